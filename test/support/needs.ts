// SPDX-License-Identifier: Apache-2.0
// What a test needs of the machine. A test says `{ skip: needs({ commands: ['unsquashfs'], root: true }) }`; the
// reason's first word is its kind, and scripts/run-tests decides by it:
//   install:  the component is in scripts/packages.txt; where packages can be installed, such a skip is a failure
//   root:     only root can do this; a skip for anyone else
//   machine:  this machine can't be made to have it (kernel, hardware): a skip everywhere
//   asked:    takes long, and runs with scripts/run-tests --large: a skip everywhere else
import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { join, resolve } from 'node:path';

export type Needs = {
  /** Programs on PATH, and other files by their whole paths; each a row of scripts/packages.txt. */
  readonly commands?: readonly string[];
  readonly root?: boolean;
  /** An ordinary user can make a user namespace. */
  readonly userNamespaces?: boolean;
  /** An ordinary user can open /dev/fuse. As root this makes it so, as udev does elsewhere. */
  readonly fuse?: boolean;
  /** Kernel squashfs through a loop device (as root). */
  readonly loopSquashfs?: boolean;
  /** The test takes minutes or gigabytes. */
  readonly large?: boolean;
  /** The kernel's least version, `5.12`. */
  readonly kernel?: string;
};

/** The reason to skip, or false when everything is there. A command without a row in packages.txt is a mistake. */
export function needs(wanted: Needs): string | false {
  const missing = (wanted.commands ?? []).filter((sign) => !(sign.startsWith('/') ? existsSync(sign) : isOnPath(sign)));
  if (missing.length > 0) {
    const packages = new Set(missing.map(packageOf));
    return `install: ${missing.join(', ')} missing (Debian: apt-get install ${[...packages].join(' ')})`;
  }
  if (wanted.large === true && process.env['SLIPWAY_TEST_LARGE'] !== '1') return 'asked: only with run-tests --large';
  if ((wanted.root === true || wanted.loopSquashfs === true) && !isRoot()) return 'root: only root can do this';
  if (wanted.kernel !== undefined && compareVersions(release(), wanted.kernel) < 0) {
    return `machine: Linux ${wanted.kernel} needed, this is ${release()}`;
  }
  if (wanted.userNamespaces === true && !canMakeUserNamespace()) return 'machine: no user namespaces for users';
  if (wanted.fuse === true && !canOpenFuse()) return 'machine: /dev/fuse is missing or closed to users';
  if (wanted.loopSquashfs === true && !hasLoopSquashfs()) return 'machine: no kernel squashfs or loop devices';
  return false;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Whether a missing package could simply have been installed here. */
export function canInstallPackages(): boolean {
  return isRoot() && isOnPath('apt-get');
}

/** Whether a skip for this reason is right even where packages can be installed. */
export function isMachineReason(reason: string): boolean {
  return reason.startsWith('machine: ') || reason.startsWith('asked: ');
}

/** Whether a program is on PATH, system directories included: Debian keeps some where a user's PATH does not look. */
export function isOnPath(command: string): boolean {
  return findOnPath(command) !== undefined;
}

/** The path of a program, looked for in the same places. */
export function findOnPath(command: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, command))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function packageOf(command: string): string {
  const table = readFileSync(resolve(import.meta.dirname, '../../scripts/packages.txt'), 'utf8');
  for (const line of table.split('\n')) {
    const [, name, ...signs] = line.split(/ +/);
    if (!line.startsWith('#') && name !== undefined && signs.includes(command)) return name;
  }
  throw new Error(`needs: ${command} has no row in scripts/packages.txt, so nothing would ever install it`);
}

function compareVersions(left: string, right: string): number {
  const numbers = (text: string): readonly number[] =>
    (text.match(/^\d+(?:\.\d+)*/)?.[0] ?? '0').split('.').map(Number);
  const [a, b] = [numbers(left), numbers(right)];
  for (let index = 0; index < b.length; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function canMakeUserNamespace(): boolean {
  // As root the question is whether an ordinary user can: 65534 stands for one.
  const asUser = isRoot() ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const argv = [...asUser, 'unshare', '--user', '--map-root-user', '--mount', 'true'];
  return spawnSync('/usr/bin/env', argv, { stdio: 'ignore', cwd: '/' }).status === 0;
}

function canOpenFuse(): boolean {
  if (!existsSync('/dev/fuse')) return false;
  if (isRoot() && (statSync('/dev/fuse').mode & 0o006) !== 0o006) chmodSync('/dev/fuse', 0o666);
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function hasLoopSquashfs(): boolean {
  return existsSync('/dev/loop-control') && /\tsquashfs$/m.test(readFileSync('/proc/filesystems', 'utf8'));
}
