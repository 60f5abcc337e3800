// SPDX-License-Identifier: Apache-2.0
// The mounts of this process's namespace (proc(5), mountinfo), and taking one away.
import { chownSync, readFileSync } from 'node:fs';

/** The mount points at a path and below it, in the order of their making. */
export function mountsBelow(path: string): readonly string[] {
  const inside = path === '/' ? path : `${path}/`;
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((point) => point === path || point.startsWith(inside));
}

/**
 * Detaches what is mounted at a path with all below it: it is out of sight at once, and gone with its last user. By
 * umount(8), without a helper program of the file system's: its effect is seen in `mountsBelow`.
 */
export function unmountTree(path: string): void {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  spawnSync('/bin/umount', ['--internal-only', '--lazy', '--no-canonicalize', path], {
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    stdio: 'ignore',
    timeout: 60_000,
  });
}

/**
 * Mounts a file system that is in a file, for its owner to write; the loop device goes with the mount.
 * @throws Error with what mount(8) says
 */
export function mountLoop(
  file: string,
  directory: string,
  how: { readonly type: string; readonly owner: { readonly uid: number; readonly gid: number } },
): void {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const words = [
    '--internal-only',
    '--no-mtab',
    '--types',
    how.type,
    '--options',
    'loop,nosuid,nodev',
    file,
    directory,
  ];
  const { status, stderr, error } = spawnSync('/bin/mount', words, {
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(error?.message ?? stderr.trim().replaceAll(/\s*\n\s*/g, '; '));
  chownSync(directory, how.owner.uid, how.owner.gid);
}

/** Blanks and backslashes stand as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
