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
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { mode: 0o755 });
  const reason = notOfRoot(path);
  if (reason !== undefined) throw new SlipwayError('directory-not-roots', { path, reason });
}

/**
 * Why others than root could put another directory at this path, or (`isOpen`) why not everyone can enter it; undefined
 * where neither is so.
 */
export function notOfRoot(path: string, { isOpen = false }: { readonly isOpen?: boolean } = {}): string | undefined {
  for (let each = path; ; each = dirname(each)) {
    const stats = lstatSync(each, { throwIfNoEntry: false });
    if (!stats?.isDirectory()) return `${each} is no directory`;
    if (stats.uid !== 0) return `${each} belongs to uid ${stats.uid}`;
    // With the sticky bit nobody can replace what is another's.
    if ((stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0) return `others than root can write ${each}`;
    if (isOpen && (stats.mode & 0o001) === 0) return `${each} is not open to everyone`;
    if (each === '/' || each === '.') return undefined;
  }
}
