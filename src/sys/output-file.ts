// SPDX-License-Identifier: Apache-2.0
// Results that appear whole or not at all, files and directories alike: made beside the target under a provisional name,
// flushed, renamed. Errors are those of `toFileError`.
import { chmod, link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { attempting, isErrno } from './file-errors.ts';
import { moveDurably, statIfPresent, syncDirectory } from './files.ts';
import { openForRemoval } from './open-for-removal.ts';
import { temporaryName } from './process-identity.ts';

export type Output = {
  /** Where to make it: nothing is there, on the target's file system. */
  readonly temporaryPath: string;
  /**
   * Moves a finished file into place; whether that was possible: without `replaces` it is not where the target exists.
   */
  readonly placeFile: (options: { readonly replaces: boolean; readonly mode: number }) => Promise<boolean>;
  /** The same for a directory, whose mode stays where none is given; what it replaces is removed. */
  readonly placeDirectory: (options: { readonly replaces: boolean; readonly mode?: number }) => Promise<boolean>;
  /** Removes what was not placed. */
  readonly discard: () => Promise<void>;
};

/** Prepares to make `path`. Nothing is written yet. */
export function prepareOutput(path: string): Output {
  const directory = dirname(path);
  const temporaryPath = join(directory, `.slipway-${temporaryName()}`);
  return {
    temporaryPath,
    placeFile: async ({ replaces, mode }) => {
      if (replaces) {
        await moveDurably(temporaryPath, path, { mode });
        return true;
      }
      return await attempting('write the file', path, async () => {
        const file = await open(temporaryPath, 'r');
        try {
          await file.chmod(mode);
          await file.sync();
        } finally {
          await file.close();
        }
        try {
          // Unlike rename(2), link(2) never replaces; file systems without hard links leave a moment in between.
          await link(temporaryPath, path);
        } catch (error) {
          if (isErrno(error, 'EEXIST')) return false;
          if (!isErrno(error, 'EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
          if ((await statIfPresent(path)) !== undefined) return false;
          await rename(temporaryPath, path);
        }
        await rm(temporaryPath, { force: true });
        await syncDirectory(directory);
        return true;
      });
    },
    placeDirectory: async ({ replaces, mode }) =>
      await attempting('write the directory', path, async () => {
        if (mode !== undefined) await chmod(temporaryPath, mode);
        await syncDirectory(temporaryPath);
        const isThere = (await statIfPresent(path)) !== undefined;
        if (isThere && !replaces) return false;
        const old = `${temporaryPath}.old`;
        if (isThere) await rename(path, old);
        await rename(temporaryPath, path);
        await syncDirectory(directory);
        if (isThere) await removeClosedTree(old);
        return true;
      }),
    discard: async () => await attempting('remove', temporaryPath, () => removeClosedTree(temporaryPath)),
  };
}

/** Makes the provisional directory, for this user alone. */
export async function makeOutputDirectory({ temporaryPath }: Output): Promise<void> {
  await attempting('make the directory', temporaryPath, () => mkdir(temporaryPath, { mode: 0o700 }));
}

/** Removes a tree of this user's, whose directories may be closed to their owner. Nothing is followed. */
async function removeClosedTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error;
    openForRemoval(path);
    await rm(path, { recursive: true, force: true });
  }
}
