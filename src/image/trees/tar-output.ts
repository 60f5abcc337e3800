// SPDX-License-Identifier: Apache-2.0
// The way of the merged archive to the program that reads it: small pieces are gathered into large writes, large ones
// go as they are, and whoever produces waits for whoever consumes.
import { tarEnd } from '../../formats/tar/index.ts';

export type TarOutput = {
  /** Queues bytes, which must not change any more. */
  readonly add: (bytes: Buffer) => void;
  /** Queues `count` zeros, which may be many. */
  readonly addZeros: (count: number) => void;
  /** Hands on what is queued; to be awaited before more is produced. */
  readonly drain: () => Promise<void>;
  /** The end of the archive, and everything before it. */
  readonly finish: () => Promise<void>;
  /** Bytes handed on so far. */
  readonly writtenBytes: () => number;
};

const bufferBytes = 1024 * 1024;
/** From here on, a write of its own is cheaper than a copy. */
const largeBytes = 64 * 1024;
const zeros = Buffer.alloc(bufferBytes);

export function createTarOutput(write: (chunk: Buffer) => Promise<void>): TarOutput {
  let queue: (Buffer | number)[] = [];
  let gathered = Buffer.allocUnsafeSlow(bufferBytes);
  let gatheredBytes = 0;
  let written = 0;

  const put = async (chunk: Buffer): Promise<void> => {
    await write(chunk);
    written += chunk.length;
  };
  const flush = async (): Promise<void> => {
    if (gatheredBytes === 0) return;
    const length = gatheredBytes;
    gatheredBytes = 0;
    // Free to be filled again: `write` has taken the bytes when it resolves.
    await put(gathered.subarray(0, length));
  };
  const take = async (bytes: Buffer): Promise<void> => {
    if (gatheredBytes + bytes.length > bufferBytes || bytes.length >= largeBytes) await flush();
    if (bytes.length >= largeBytes) {
      await put(bytes);
      return;
    }
    bytes.copy(gathered, gatheredBytes);
    gatheredBytes += bytes.length;
  };
  const drain = async (): Promise<void> => {
    const pieces = queue;
    queue = [];
    for (const piece of pieces) {
      if (typeof piece !== 'number') {
        await take(piece);
        continue;
      }
      for (let left = piece; left > 0; left -= Math.min(left, bufferBytes)) {
        await take(zeros.subarray(0, Math.min(left, bufferBytes)));
      }
    }
  };
  const finish = async (): Promise<void> => {
    queue.push(tarEnd);
    await drain();
    await flush();
    gathered = Buffer.alloc(0);
  };
  return {
    add: (bytes) => void queue.push(bytes),
    addZeros: (count) => {
      if (count > 0) queue.push(count);
    },
    drain,
    finish,
    writtenBytes: () => written,
  };
}
