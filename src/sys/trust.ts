// SPDX-License-Identifier: Apache-2.0
// Whose a file is to change: by its owner and mode, and those of every directory above it.
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Who but root could have changed the file at `path`, which is free of links; undefined where nobody could. In a user
 * namespace whose root is somebody else outside it, nothing is root's and nothing is asked.
 */
export function distrustOf(path: string): string | undefined {
  if (!isInitialUserNamespace()) return undefined;
  for (let each = path; ; each = dirname(each)) {
    const { uid, mode } = each === path ? statSync(each) : lstatSync(each);
    if (uid !== 0) return `${each} belongs to user ${uid}, not to root`;
    // Others may make files in a sticky directory, but not replace root's.
    const isSticky = each !== path && (mode & 0o1000) !== 0;
    if ((mode & 0o022) !== 0 && !isSticky) return `${each} can be written by others than root`;
    if (each === '/') return undefined;
  }
}

/** Whether user ids here are the machine's own (user_namespaces(7)). */
function isInitialUserNamespace(): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));
}
