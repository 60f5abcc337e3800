// SPDX-License-Identifier: Apache-2.0
import { rename, symlink } from 'node:fs/promises';
import { attempting } from './file-errors.ts';
import { temporaryName } from './process-identity.ts';

/** Makes a symbolic link at `path`, in place of what is there. Errors are those of `toFileError`. */
export async function replaceLink(target: string, path: string): Promise<void> {
  const temporary = `${path}.${temporaryName()}`;
  await attempting('make the link', path, async () => {
    await symlink(target, temporary);
    await rename(temporary, path);
  });
}
