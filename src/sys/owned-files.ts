// SPDX-License-Identifier: Apache-2.0
// Files that root makes for another: complete and closed before they are the other's.
import { closeSync, fchmodSync, fchownSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';

export type OwnedFile = {
  readonly name: string;
  readonly content: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
};

/** Fills a directory of root's, in which nothing stays of before. The directory itself stays the same one. */
export function fillOwned(directory: string, files: readonly OwnedFile[]): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const { name, content, mode, uid, gid } of files) {
    const path = `${directory}/${name}`;
    rmSync(path, { force: true });
    const descriptor = openSync(path, 'wx', 0o600);
    try {
      writeFileSync(descriptor, content);
      fchmodSync(descriptor, mode);
      fchownSync(descriptor, uid, gid);
    } finally {
      closeSync(descriptor);
    }
  }
}
