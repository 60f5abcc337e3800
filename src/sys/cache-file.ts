// SPDX-License-Identifier: Apache-2.0
// A sparse file of root's that loses its name when it is in use: a loop device keeps it as long as it needs it.
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';

export type UnnamedFile = Disposable & { readonly path: string };

/** Makes the file, with a name that begins so until it is disposed of. Its directory must be root's. */
export function makeUnnamedFile(prefix: string, sizeBytes: number): UnnamedFile {
  const path = `${prefix}${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    ftruncateSync(descriptor, sizeBytes);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
