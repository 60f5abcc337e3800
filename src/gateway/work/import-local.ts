// SPDX-License-Identifier: Apache-2.0
// An image file that a user has made, taken over as it is. The path is the user's word, so what it leads to must be the
// user's to read; the file must be what it is said to be.
import { describeError, SlipwayError } from '../../model/index.ts';
import { moveDurably, removeIfPresent } from '../../sys/files.ts';
import { type UserFile, userFile } from '../../sys/import-file.ts';
import { temporaryName } from '../../sys/process-identity.ts';
import { squashfsFault, superblockBytes } from './import-check.ts';

export type LocalImport = {
  readonly path: string;
  readonly uid: number;
  readonly format: string;
  readonly system: string;
  readonly pathOf: (id: string, suffix: string) => string;
};

/** @throws SlipwayError `gateway-import-refused`; the file system's */
export async function importLocalFile(
  wanted: LocalImport,
  options: { readonly signal: AbortSignal; readonly onHashed: (id: string) => Promise<void> },
): Promise<{ readonly id: string; readonly sizeBytes: number }> {
  const refuse = (reason: string, cause?: unknown): SlipwayError =>
    new SlipwayError('gateway-import-refused', { path: wanted.path, reason }, { cause });
  let file: UserFile;
  try {
    file = await userFile(wanted.path, wanted.uid);
  } catch (error) {
    throw refuse(describeError(error), error);
  }
  try {
    const fault = squashfsFault(await file.start(superblockBytes), file.sizeBytes);
    if (fault !== undefined) throw refuse(fault);
    const id = await file.fastHash(options.signal);
    await options.onHashed(id);
    const path = wanted.pathOf(id, wanted.format);
    const partial = `${path}.partial.${temporaryName()}`;
    try {
      await file.copyTo(partial, options.signal);
      await moveDurably(partial, path, { mode: 0o600 });
    } catch (error) {
      await removeIfPresent(partial).catch(() => false);
      throw error;
    }
    return { id, sizeBytes: file.sizeBytes };
  } finally {
    await file.close();
  }
}
