// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { attempting } from './file-errors.ts';

/**
 * Copies a file by the quickest way that the file systems have (a shared extent, copy_file_range(2)). The target must
 * not be read before it is renamed: it is not flushed yet. Errors are those of `toFileError`.
 */
export async function copyTo(from: string, to: string): Promise<void> {
  await attempting('write the file', to, () => copyFile(from, to, constants.COPYFILE_FICLONE));
}
