// SPDX-License-Identifier: Apache-2.0
// Chunks of any length to blocks. All bytes are copied, into buffers that are used again: to keep what came in until it
// is compressed is dearer than the copy, because every chunk must then be a fresh one (1 GB of files at zstd 3 took
// 9.9 s of CPU with views of fresh chunks, 9.1 s with copies of them, 8.0 s with copies of two chunks used in turn).
import type { BufferPool } from './buffer-pool.ts';

/** Bytes, and what to call when nobody looks at them any more. */
export type Piece = { readonly bytes: Buffer; readonly release: () => void };

export type BlockCutter = {
  readonly write: (chunk: Buffer) => void;
  /** How many bytes are to come until the next block is whole; a block's length where none has begun. */
  readonly missingBytes: () => number;
  /** What came after the last whole block, and starts again; undefined where nothing did. */
  readonly end: () => Piece | undefined;
};

export function createBlockCutter(
  pool: BufferPool,
  blockSizeBytes: number,
  addBlock: (block: Piece) => void,
): BlockCutter {
  let begun: Buffer | undefined;
  let begunBytes = 0;

  function take(): Piece | undefined {
    if (begun === undefined) return undefined;
    const buffer = begun;
    const bytes = buffer.subarray(0, begunBytes);
    begun = undefined;
    begunBytes = 0;
    return { bytes, release: () => pool.give(buffer) };
  }

  return {
    missingBytes: () => blockSizeBytes - begunBytes,
    write(chunk) {
      for (let done = 0; done < chunk.length;) {
        begun ??= pool.take();
        const copied = chunk.copy(begun, begunBytes, done);
        done += copied;
        begunBytes += copied;
        const block = begunBytes === blockSizeBytes ? take() : undefined;
        if (block !== undefined) addBlock(block);
      }
    },
    end: take,
  };
}
