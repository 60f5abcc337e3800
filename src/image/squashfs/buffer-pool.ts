// SPDX-License-Identifier: Apache-2.0
// Buffers of one size, used again and again. Letting the garbage collector have them costs more than it seems: each
// few dozen megabytes of fresh buffers make it mark the whole heap (1 GB of files: 48 collections, a fifth of all CPU).

export type BufferPool = {
  /** A buffer with anything in it. */
  readonly take: () => Buffer;
  /** Gives a buffer back, which nobody may look at any more. */
  readonly give: (buffer: Buffer) => void;
};

export function createBufferPool(sizeBytes: number): BufferPool {
  const free: Buffer[] = [];
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(sizeBytes),
    give: (buffer) => {
      free.push(buffer);
    },
  };
}
