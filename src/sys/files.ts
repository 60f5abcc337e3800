// SPDX-License-Identifier: Apache-2.0
// Files that are whole or absent. A write goes to a temporary file on the same file system, is flushed, and renamed
// over the target; the directory is flushed last, so that what was reported as done is there after a power cut
// (rename(2), fsync(2): "does not necessarily ensure that the entry in the directory has also reached disk").
// All errors are those of `toFileError`.
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import {
  access,
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  statfs,
  unlink,
  utimes,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { attempting, attemptingSync, isErrno } from './file-errors.ts';
import { temporaryName } from './process-identity.ts';

/**
 * Writes a file so that a reader sees the old contents or the new, never a part, also after a crash.
 * The umask does not apply to `mode`. The temporary file stands beside the target unless `temporary` names another
 * path on the same file system that does not exist.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: { readonly mode: number; readonly temporary?: string },
): Promise<void> {
  const temporary = options.temporary ?? `${path}.${temporaryName()}`;
  await attempting('write the file', path, async () => {
    try {
      const file = await open(temporary, 'wx', options.mode);
      try {
        await file.chmod(options.mode);
        await file.writeFile(data);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await unlinkQuietly(temporary);
      throw error;
    }
    await syncDirectory(dirname(path));
  });
}

/** Moves a finished file to its place on the same file system: flushed before, its directory flushed after. */
export async function moveDurably(from: string, to: string, options: { readonly mode: number }): Promise<void> {
  await attempting('move a file to', to, async () => {
    const file = await open(from, 'r');
    try {
      await file.chmod(options.mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(from, to);
    await syncDirectory(dirname(to));
  });
}

/** As `moveDurably`, but nothing is flushed: for files whose damage is found out when they are read. */
export async function moveIntoPlace(from: string, to: string, options: { readonly mode: number }): Promise<void> {
  await attempting('move a file to', to, async () => {
    await chmod(from, options.mode);
    await rename(from, to);
  });
}

/** Sets a file's times to now, which only its owner may. */
/** Sets the permission bits of a file. Errors are those of `toFileError`. */
export async function setMode(path: string, mode: number): Promise<void> {
  await attempting('set the mode of', path, () => chmod(path, mode));
}

export async function markUsed(path: string): Promise<void> {
  const now = new Date();
  await attempting('touch the file', path, () => utimes(path, now, now));
}

/** Gives a file another name on the same file system, in place of what has it now. */
export async function linkOver(from: string, to: string): Promise<void> {
  await attempting('link', to, async () => {
    const temporary = `${to}.${temporaryName()}`;
    await link(from, temporary);
    try {
      // Where both are one file already, rename(2) does nothing and leaves both names.
      await rename(temporary, to);
    } finally {
      await unlinkQuietly(temporary);
    }
    await syncDirectory(dirname(to));
  });
}

/**
 * The contents of a file, or undefined where there is none.
 * @throws SlipwayError `file-too-large` beyond `maxBytes`.
 */
export async function readFileIfPresent(
  path: string,
  options: { readonly maxBytes: number },
): Promise<Buffer | undefined> {
  return await attempting('read the file', path, async () => {
    let file;
    try {
      file = await open(path, 'r');
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
    try {
      if ((await file.stat()).size > options.maxBytes) throw tooLarge(path, options.maxBytes);
      return await file.readFile();
    } finally {
      await file.close();
    }
  });
}

/** As `readFileIfPresent`, without waiting, for code that may not. */
export function readFileIfPresentSync(path: string, options: { readonly maxBytes: number }): Buffer | undefined {
  return attemptingSync('read the file', path, () => {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
    try {
      if (fstatSync(file).size > options.maxBytes) throw tooLarge(path, options.maxBytes);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  });
}

/** The names in a directory, sorted by their bytes; undefined where there is no such directory. */
export async function listDirectoryIfPresent(path: string): Promise<readonly string[] | undefined> {
  return await attempting('list the directory', path, async () => {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
}

/** As `listDirectoryIfPresent`, without waiting. */
export function listDirectoryIfPresentSync(path: string): readonly string[] | undefined {
  return attemptingSync('list the directory', path, () => {
    try {
      return readdirSync(path).sort();
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
}

/** lstat(2), or undefined where there is nothing. */
export async function statIfPresent(path: string): Promise<Stats | undefined> {
  return await attempting('examine', path, async () => {
    try {
      return await lstat(path);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
}

/** How long a file is, links followed. */
export async function fileSize(path: string): Promise<number> {
  return await attempting('examine', path, async () => (await stat(path)).size);
}

/** stat(2), links followed, or undefined where there is nothing. */
export async function statFollowing(path: string): Promise<Stats | undefined> {
  return await attempting('examine', path, async () => {
    try {
      return await stat(path);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
}

/** Whether there was a file to remove. */
export async function removeIfPresent(path: string): Promise<boolean> {
  return await attempting('remove the file', path, async () => {
    try {
      await unlink(path);
      return true;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw error;
    }
  });
}

/** Removes a file, or a directory with all that is in it; nothing is followed, and absence is no error. */
export async function removeTree(path: string): Promise<void> {
  await attempting('remove', path, () => rm(path, { recursive: true, force: true }));
}

/**
 * Makes a directory and those above it that are missing, each with `mode` less the umask; whether there was
 * anything to make. One that is there keeps its mode.
 */
export async function ensureDirectory(path: string, options: { readonly mode: number }): Promise<boolean> {
  return await attempting('make the directory', path, async () => {
    return (await mkdir(path, { recursive: true, mode: options.mode })) !== undefined;
  });
}

/** @throws SlipwayError as `toFileError` where this process may not create files in the directory. */
export async function checkWritable(directory: string): Promise<void> {
  await attempting('write in the directory', directory, () => access(directory, constants.W_OK | constants.X_OK));
}

/** Bytes that this user may still write on the file system that holds `path`; a quota may allow less. */
export async function freeBytes(path: string): Promise<number> {
  return await attempting('examine the file system of', path, async () => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  });
}

/** Flushes a directory's entries. Some network file systems refuse (EINVAL): they have nothing to flush. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } catch (error) {
    if (!isErrno(error, 'EINVAL', 'ENOTSUP')) throw error;
  } finally {
    await directory.close();
  }
}

async function unlinkQuietly(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch {
    // The error that brought us here says more; the name says whose the left-over is.
  }
}

function isAbsence(error: unknown): boolean {
  return isErrno(error, 'ENOENT', 'ENOTDIR');
}

function tooLarge(path: string, limitBytes: number): SlipwayError {
  return new SlipwayError('file-too-large', { path, limitBytes });
}
