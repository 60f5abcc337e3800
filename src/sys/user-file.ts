// SPDX-License-Identifier: Apache-2.0
// Opening a file that a user named, by a process that may read more than the user: only if the user could read it too.
import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { attempting, isErrno } from './file-errors.ts';

/**
 * Opens a regular file for reading. It must be the user's own or readable by everyone, and so must be each directory
 * above it (to be entered); nothing on the way may be a symbolic link, which could point elsewhere a moment later.
 * @throws Error with a plain reason
 */
export async function openUserFile(path: string, uid: number): Promise<FileHandle> {
  const parts = path.split('/').filter((part) => part !== '');
  if (!path.startsWith('/') || parts.length === 0 || parts.some((part) => part === '.' || part === '..')) {
    throw new Error('it has to be an absolute path without . and ..');
  }
  for (let count = 1; count < parts.length; count += 1) {
    const directory = `/${parts.slice(0, count).join('/')}`;
    const status = await examine(directory);
    if (status.isSymbolicLink()) throw new Error(`${directory} is a symbolic link`);
    if (!isOpenTo(status, uid, 0o001, 0o100)) throw new Error(`you may not enter ${directory}`);
  }
  const file = await attempting('open the file', path, () =>
    open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
  );
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new Error('it is no regular file');
    if (!isOpenTo(status, uid, 0o004, 0o400)) throw new Error('you may not read it');
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function examine(path: string): ReturnType<typeof lstat> {
  try {
    return await lstat(path);
  } catch (error) {
    throw new Error(isErrno(error, 'ENOENT') ? `there is no ${path}` : `${path} can't be examined`, { cause: error });
  }
}

function isOpenTo(
  status: { readonly uid: number; readonly mode: number } | { readonly uid: bigint; readonly mode: bigint },
  uid: number,
  forAll: number,
  forOwner: number,
): boolean {
  const mode = Number(status.mode);
  return (mode & forAll) !== 0 || (Number(status.uid) === uid && (mode & forOwner) !== 0);
}
