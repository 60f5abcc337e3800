// SPDX-License-Identifier: Apache-2.0
// The part of a file where blocks lie one behind the other. They are gathered and written in large pieces. What was
// appended last can be taken back, which is how a content that turns out to be there already is dropped.
import type { BlockFile } from '../../sys/block-file.ts';

export type DataArea = {
  /** Where the next block will be. */
  readonly end: () => number;
  /** Appends a copy of `block`. One call at a time. */
  readonly append: (block: Buffer) => Promise<void>;
  /** Makes `end`, a former value of `end()`, the end again. */
  readonly rewind: (end: number) => void;
  readonly flush: () => Promise<void>;
};

const writeBytes = 1024 * 1024;

export function createDataArea(file: BlockFile, start: number): DataArea {
  const gathered = Buffer.allocUnsafeSlow(writeBytes);
  let gatheredBytes = 0;
  /** Where `gathered` belongs. */
  let gatheredAt = start;

  async function flush(): Promise<void> {
    if (gatheredBytes === 0) return;
    await file.write([gathered.subarray(0, gatheredBytes)], gatheredAt);
    gatheredAt += gatheredBytes;
    gatheredBytes = 0;
  }

  return {
    end: () => gatheredAt + gatheredBytes,
    async append(block) {
      for (let done = 0; done < block.length;) {
        const copied = block.copy(gathered, gatheredBytes, done);
        done += copied;
        gatheredBytes += copied;
        if (gatheredBytes === writeBytes) await flush();
      }
    },
    rewind(end) {
      // What is in the file behind the end is written over by what follows, or cut off with the file.
      gatheredBytes = Math.max(0, end - gatheredAt);
      gatheredAt = Math.min(gatheredAt, end);
    },
    flush,
  };
}
