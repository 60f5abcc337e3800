// SPDX-License-Identifier: Apache-2.0
// The mounts of this process's namespace (proc(5), mountinfo), and taking one away.
import { readFileSync } from 'node:fs';

/** The mount points at a path and below it, in the order of their making. */
export function mountsBelow(path: string): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((point) => point === path || point.startsWith(`${path}/`));
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

/** Blanks and backslashes stand as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
