// SPDX-License-Identifier: Apache-2.0
// Small acts on names: links, modes, renaming. Errors are those of `toFileError`.
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  symlinkSync,
  type Stats,
} from 'node:fs';
import { attemptingSync, isErrno } from './file-errors.ts';

/** Another name for a file; a copy where the file system has no hard links, or allows no more of them. */
export function linkOrCopy(from: string, to: string): void {
  attemptingSync('make', to, () => {
    try {
      linkSync(from, to);
    } catch (error) {
      if (!isErrno(error, 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'ENOSYS')) throw error;
      copyFileSync(from, to);
      chmodSync(to, statSync(from).mode & 0o7777);
    }
  });
}

export function copyFile(from: string, to: string, mode: number): void {
  attemptingSync('copy a file to', to, () => {
    copyFileSync(from, to);
    chmodSync(to, mode);
  });
}

export function makeSymlink(target: string, path: string): void {
  attemptingSync('make the link', path, () => symlinkSync(target, path));
}

/** A symbolic link in place of what was there, without a moment in which there is none. */
export function replaceSymlink(target: string, path: string, temporary: string): void {
  attemptingSync('make the link', path, () => {
    symlinkSync(target, temporary);
    renameSync(temporary, path);
  });
}

/** A new directory with `mode` less the umask. */
export function makeDirectory(path: string, mode: number): void {
  attemptingSync('make the directory', path, () => mkdirSync(path, { mode }));
}

export function setMode(path: string, mode: number): void {
  attemptingSync('set the mode of', path, () => chmodSync(path, mode));
}

/** stat(2), or undefined where nothing can be seen. */
export function statFollowed(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** The path without links, or undefined where there is nothing. */
export function realPathIfPresent(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Where a link leads, or undefined where there is none. */
export function linkTargetIfPresent(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The umask of this process. */
export function currentUmask(): number {
  return process.umask();
}
