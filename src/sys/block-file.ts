// SPDX-License-Identifier: Apache-2.0
// A file that is written and read at given offsets, in large pieces. Errors are those of `toFileError`.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { attempting } from './file-errors.ts';
import { writeAll } from './write-all.ts';

export type BlockFile = {
  /** Writes all of `chunks`, one behind the other. */
  readonly write: (chunks: readonly Buffer[], offset: number) => Promise<void>;
  /** Fills `into` from `offset` on, and returns how much there was: less only at the file's end. */
  readonly read: (into: Buffer, offset: number) => Promise<number>;
  readonly truncate: (sizeBytes: number) => Promise<void>;
  readonly sizeBytes: () => Promise<number>;
  readonly close: () => Promise<void>;
};

/** Makes a file that must not exist yet, for this user alone. */
export async function createBlockFile(path: string): Promise<BlockFile> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  return blockFile(await attempting('make the file', path, () => open(path, flags, 0o600)), path);
}

/** Opens a file for reading. */
export async function openBlockFile(path: string): Promise<BlockFile> {
  return blockFile(await attempting('open the file', path, () => open(path, constants.O_RDONLY)), path);
}

function blockFile(file: FileHandle, path: string): BlockFile {
  return {
    write: (chunks, offset) => attempting('write the file', path, () => writeAll(file, chunks, offset)),
    read: (into, offset) => attempting('read the file', path, () => readFully(file, into, offset)),
    truncate: (sizeBytes) => attempting('truncate the file', path, () => file.truncate(sizeBytes)),
    sizeBytes: async () => (await attempting('examine', path, () => file.stat())).size,
    close: () => attempting('close the file', path, () => file.close()),
  };
}

async function readFully(file: FileHandle, into: Buffer, offset: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
