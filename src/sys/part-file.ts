// SPDX-License-Identifier: Apache-2.0
// A file that grows piece by piece under a provisional name and gets its own name when it is whole. What a process
// leaves behind can be read back and continued by the next one; one process at a time, which is the caller's to see to.
// Errors of the system are those of `toFileError`.
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { attempting, isErrno } from './file-errors.ts';
import { moveDurably, removeIfPresent } from './files.ts';
import { writeAll } from './write-all.ts';

export type PartFile = {
  /** Bytes written, those of earlier processes included. */
  readonly sizeBytes: () => number;
  /** What is there already, from the beginning. Not to be mixed with appending. */
  readonly read: () => AsyncIterable<Buffer>;
  readonly append: (chunks: readonly Buffer[]) => Promise<void>;
  /** Back to nothing. */
  readonly restart: () => Promise<void>;
  /** Flushes it and renames it; nothing but `close` may follow. The umask does not apply to `mode`. */
  readonly finish: (path: string, options: { readonly mode: number }) => Promise<void>;
  readonly remove: () => Promise<void>;
  readonly close: () => Promise<void>;
};

const readBytes = 1024 * 1024;

/** Opens or makes a part file, for this user alone. A symbolic link in its place is refused. */
export async function openPartFile(path: string): Promise<PartFile> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const file = await attempting('open the file', path, async () => {
    try {
      return await open(path, flags, 0o600);
    } catch (error) {
      if (!isErrno(error, 'EACCES')) throw error;
      // What another user of a shared directory left can't be continued, only replaced.
      await unlink(path);
      return await open(path, flags, 0o600);
    }
  });
  let sizeBytes: number;
  try {
    sizeBytes = (await attempting('examine', path, async () => await file.stat())).size;
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    sizeBytes: () => sizeBytes,
    read: () => readFrom(file, path, sizeBytes),
    append: async (chunks) => {
      await attempting('write the file', path, () =>
        writeAll(file, chunks, sizeBytes, (bytes) => (sizeBytes += bytes)),
      );
    },
    restart: async () => {
      await attempting('write the file', path, async () => await file.truncate(0));
      sizeBytes = 0;
    },
    finish: async (target, options) => await moveDurably(path, target, options),
    remove: async () => {
      await removeIfPresent(path);
    },
    close: async () => await attempting('close the file', path, async () => await file.close()),
  };
}

async function* readFrom(file: FileHandle, path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < sizeBytes;) {
    const length = Math.min(readBytes, sizeBytes - position);
    const { bytesRead, buffer } = await attempting('read the file', path, async () =>
      file.read(Buffer.allocUnsafe(length), 0, length, position),
    );
    // Someone cut it short meanwhile: what was read no longer tells what is there.
    if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
