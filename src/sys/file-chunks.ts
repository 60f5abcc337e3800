// SPDX-License-Identifier: Apache-2.0
// Files as streams of large chunks, and the flush that makes what another program wrote lasting.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { attempting, toFileError } from './file-errors.ts';

/** A file's bytes from its beginning, in chunks of up to `chunkBytes`. Errors are those of `toFileError`. */
export async function* readFileChunks(
  path: string,
  options: { readonly chunkBytes: number; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { highWaterMark: options.chunkBytes });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      options.signal.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    throw toFileError(error, 'read the file', path);
  }
}

/** The first `count` bytes of a file, fewer where it is shorter. */
export async function readFileStart(path: string, count: number): Promise<Buffer> {
  return await attempting('read the file', path, async () => {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  });
}

/** Appends `count` zeros to a file that is about to be removed: fails with `disk-full` where they have no room. */
export async function appendProbe(path: string, count: number): Promise<void> {
  await attempting('write the file', path, async () => {
    const file = await open(path, 'a');
    try {
      await file.writeFile(Buffer.alloc(count));
      // Network file systems may only now ask their server for room.
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Flushes a file's contents to its disk, and returns how long it is. */
export async function syncFile(path: string): Promise<number> {
  return await attempting('flush the file', path, async () => {
    const file = await open(path, 'r');
    try {
      await file.sync();
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  });
}
