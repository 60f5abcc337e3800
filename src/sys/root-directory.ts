// SPDX-License-Identifier: Apache-2.0
// A directory in which root mounts for others: there, root's own, and nobody else's to change.
import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { SlipwayError } from '../model/index.ts';

/**
 * Makes the directory where it is missing, and checks it with all above it.
 * @throws SlipwayError `directory-not-roots`
 */
export function makeRootDirectory(path: string): void {
  const fail = (reason: string): never => {
    throw new SlipwayError('directory-not-roots', { path, reason });
  };
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { mode: 0o755 });
  for (let each = path; ; each = dirname(each)) {
    const stats = lstatSync(each);
    if (!stats.isDirectory()) fail(`${each} is no directory`);
    if (stats.uid !== 0) fail(`${each} belongs to uid ${stats.uid}`);
    // With the sticky bit nobody can replace what is another's.
    if ((stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0) fail(`others than root can write ${each}`);
    if (each === '/' || each === '.') return;
  }
}
