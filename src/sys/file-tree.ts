// SPDX-License-Identifier: Apache-2.0
// A tree of files as lstat(2) sees it, and its contents. Names are bytes: not every one is text.
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { attemptingSync } from './file-errors.ts';

export type FileTreeEntry = {
  readonly name: Buffer;
  /** Absolute. */
  readonly path: Buffer;
  readonly kind: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device';
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly sizeBytes: number;
  /** The same for each name of a file with several; undefined for a file with one. */
  readonly link: string | undefined;
};

const slash = Buffer.from('/');

/** What stands at a path itself. Errors are those of `toFileError`. */
export function readTreeEntry(path: Buffer): FileTreeEntry {
  return attemptingSync('examine', path.toString(), () => {
    const stats = lstatSync(path);
    return {
      name: path.subarray(path.lastIndexOf('/') + 1),
      path,
      kind: kindOf(stats),
      mode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      mtimeSec: Math.floor(stats.mtimeMs / 1000),
      sizeBytes: stats.size,
      link: stats.nlink > 1 && !stats.isDirectory() ? `${stats.dev}:${stats.ino}` : undefined,
    };
  });
}

/** The entries of a directory, by the bytes of their names. */
export function readTreeDirectory(path: Buffer): readonly FileTreeEntry[] {
  const names = attemptingSync('list the directory', path.toString(), () => readdirSync(path, { encoding: 'buffer' }));
  return names
    .sort((left, right) => Buffer.compare(left, right))
    .map((name) => readTreeEntry(Buffer.concat([path, slash, name])));
}

export function readTreeLink(path: Buffer): Buffer {
  return attemptingSync('read the link', path.toString(), () => readlinkSync(path, { encoding: 'buffer' }));
}

/** A file's bytes, in pieces of one buffer, which the next piece overwrites. */
export function* readTreeFile(path: Buffer, buffer: Buffer): Generator<Buffer> {
  const shown = path.toString();
  const file = attemptingSync('open', shown, () =>
    openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
  );
  try {
    for (;;) {
      const count = attemptingSync('read the file', shown, () => readSync(file, buffer, 0, buffer.length, null));
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(file);
  }
}

function kindOf(stats: Stats): FileTreeEntry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}
