// SPDX-License-Identifier: Apache-2.0
// Directories that their owner may not write in can't be emptied by him either.
import { chmodSync, readdirSync, lstatSync } from 'node:fs';

/** Gives the owner of each directory below `path` the right to empty it, as far as that is the caller. */
export function openForRemoval(path: string): void {
  const stack = [path];
  for (let directory = stack.pop(); directory !== undefined; directory = stack.pop()) {
    try {
      if ((lstatSync(directory).mode & 0o700) !== 0o700) chmodSync(directory, 0o700);
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        if (entry.isDirectory()) stack.push(`${directory}/${entry.name}`);
      }
    } catch {
      // Its removal will say why.
    }
  }
}
