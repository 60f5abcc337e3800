// SPDX-License-Identifier: Apache-2.0
// Files as streams of large chunks, and the flush that makes what another program wrote lasting.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { attempting, toFileError } from './file-errors.ts';

/** Which bytes of a file: `lengthBytes` of them from `startBytes` on. */
export type ByteRange = { readonly startBytes: number; readonly lengthBytes: number };

/** A file's bytes, or a range of them, in chunks of up to `chunkBytes`. Errors are those of `toFileError`. */
export async function* readFileChunks(
  path: string,
  options: { readonly chunkBytes: number; readonly signal: AbortSignal; readonly range?: ByteRange },
): AsyncGenerator<Buffer> {
  const { range } = options;
  // A read stream's `end` is its last byte, so it can't say that there is none.
  if (range?.lengthBytes === 0) return;
  const part = range === undefined ? {} : { start: range.startBytes, end: range.startBytes + range.lengthBytes - 1 };
  const stream = createReadStream(path, { highWaterMark: options.chunkBytes, ...part });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      options.signal.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    throw toFileError(error, 'read the file', path);
  }
}

/**
 * A file's bytes from its beginning, for one who is done with a chunk before he asks for the next but one: it is written
 * over then, because fresh memory for each chunk costs more than reading into it. The next is read while one is used.
 * Errors are those of `toFileError`.
 */
export async function* scanFileChunks(
  path: string,
  options: { readonly chunkBytes: number; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const { chunkBytes, signal } = options;
  const file = await attempting('open the file', path, () => open(path, 'r'));
  const buffers = Array.from({ length: 3 }, () => Buffer.allocUnsafeSlow(chunkBytes));
  const read = (turn: number): Promise<Buffer> => {
    const buffer = buffers[turn % buffers.length] ?? Buffer.alloc(0);
    const reading = attempting('read the file', path, async () => {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
      return buffer.subarray(0, bytesRead);
    });
    // It may fail before it is awaited.
    reading.catch(() => undefined);
    return reading;
  };
  let next = read(0);
  try {
    for (let turn = 1; ; turn += 1) {
      const chunk = await next;
      signal.throwIfAborted();
      if (chunk.length === 0) return;
      next = read(turn);
      yield chunk;
    }
  } finally {
    await Promise.allSettled([next]);
    await file.close();
  }
}

/** The first `count` bytes of a file, or those from `startBytes` on; fewer where it is shorter. */
export async function readFileStart(path: string, count: number, startBytes = 0): Promise<Buffer> {
  return await attempting('read the file', path, async () => {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, startBytes);
      return buffer.subarray(0, bytesRead);
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
