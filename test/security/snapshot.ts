// SPDX-License-Identifier: Apache-2.0
// What files are, so that it shows when one was made, changed, touched or replaced.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Each path below `top`, itself included, with its identity, times (but not when it was read) and content. */
export function snapshot(top: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string): void => {
    const status = lstatSync(path, { bigint: true });
    const { dev, ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs } = status;
    const content = status.isFile() ? readFileSync(path, 'latin1') : status.isSymbolicLink() ? readlinkSync(path) : '';
    found.set(path, [dev, ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs, content].join(' '));
    if (status.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name));
  };
  visit(top);
  return found;
}
