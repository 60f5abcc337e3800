// SPDX-License-Identifier: Apache-2.0
// Changing a few files of an unpacked tree: the steps, each of which can be taken back. Paths are absolute, and their
// directories free of links, which `resolveInside` sees to. All errors are those of node:fs.
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { isErrno, reasonOf } from './file-errors.ts';

const maxLinks = 40;

/**
 * The path on this machine of what a guest path leads to, links followed as inside the tree; undefined where something of
 * it is missing. A link never leads out of the tree.
 */
export function resolveInside(root: string, guestPath: string): string | undefined {
  const todo = guestPath.split('/');
  const done: string[] = [];
  for (let links = 0; todo.length > 0;) {
    const name = todo.shift() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const path = [root, ...done, name].join('/');
    const stats = lstatIfThere(path);
    if (stats === undefined) return undefined;
    if (!stats.isSymbolicLink()) {
      done.push(name);
      continue;
    }
    links += 1;
    if (links > maxLinks) return undefined;
    const target = readlinkSync(path);
    if (target.startsWith('/')) done.length = 0;
    todo.unshift(...target.split('/'));
  }
  return [root, ...done].join('/');
}

/** What stands at a path itself. */
export function entryKind(path: string): 'file' | 'directory' | 'link' | 'other' | undefined {
  const stats = lstatIfThere(path);
  if (stats === undefined) return undefined;
  return stats.isSymbolicLink() ? 'link' : stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other';
}

/** Copies what `from` leads to, with its mode and times, to a path where nothing is. */
export function copyContent(from: string, to: string): void {
  const stats = statSync(from);
  copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  chmodSync(to, stats.mode & 0o7777);
  utimesSync(to, stats.atime, stats.mtime);
}

/** Whether it is a file, links followed. */
export function isReadableFile(path: string): boolean {
  return whyNoFile(path) === undefined;
}

/** Why what a path leads to is not a file that can be copied; undefined where it is one. */
export function whyNoFile(path: string): string | undefined {
  try {
    const stats = statSync(path);
    if (stats.isFile()) return undefined;
    return stats.isDirectory() ? 'it is a directory' : 'it is not a regular file';
  } catch (error) {
    return reasonOf(error);
  }
}

/** The permissions of a directory. */
export function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

export function setMode(path: string, mode: number): void {
  chmodSync(path, mode);
}

export function move(from: string, to: string): void {
  renameSync(from, to);
}

export function makeDirectory(path: string): void {
  mkdirSync(path, { mode: 0o755 });
}

export function makeLink(target: string, path: string): void {
  symlinkSync(target, path);
}

/** Removes a file or link, if it is there. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** Removes a directory, if it is there and empty. */
export function removeEmptyDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY')) throw error;
  }
}

export function removeAll(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

export function isThere(path: string): boolean {
  return existsSync(path);
}

/** The links in a directory, with where they lead; none where there is no directory. */
export function linksIn(path: string): ReadonlyMap<string, string> {
  try {
    const links = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
    return new Map(links.map(({ name }) => [`${path}/${name}`, readlinkSync(`${path}/${name}`)]));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return new Map();
    throw error;
  }
}

function lstatIfThere(path: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
