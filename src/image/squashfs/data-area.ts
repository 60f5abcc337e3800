// SPDX-License-Identifier: Apache-2.0
// The part of a file where blocks lie one behind the other. They are gathered and written many at a time. What was
// appended last can be taken back, which is how a content that turns out to be there already is dropped.
import type { BlockFile } from '../../sys/block-file.ts';

export type DataArea = {
  /** Where the next block will be. */
  readonly end: () => number;
  /** Appends `block`, which must not change until `release` is called. One call at a time, where one has to wait. */
  readonly append: (block: Buffer, release?: () => void) => Promise<void> | void;
  /** Makes `end`, a former value of `end()`, the end again. */
  readonly rewind: (end: number) => void;
  readonly flush: () => Promise<void>;
  /** Fills `into` with what is there from `at` on; how much that was. One call at a time, as `append`. */
  readonly read: (into: Buffer, at: number) => Promise<number>;
  /** Whether the `lengthBytes` bytes at two places are the same. One call at a time, as `append`. */
  readonly areEqual: (one: number, other: number, lengthBytes: number) => Promise<boolean>;
};

const writeBytes = 1024 * 1024;

export function createDataArea(file: BlockFile, start: number): DataArea {
  let end = start;
  /** Where the first of `gathered` belongs. */
  let gatheredAt = start;
  let gathered: { readonly block: Buffer; readonly release: (() => void) | undefined }[] = [];

  async function flush(): Promise<void> {
    if (gathered.length === 0) return;
    const written = gathered;
    gathered = [];
    await file.write(
      written.map(({ block }) => block),
      gatheredAt,
    );
    gatheredAt = end;
    for (const { release } of written) release?.();
  }

  return {
    end: () => end,
    append(block, release) {
      gathered.push({ block, release });
      end += block.length;
      return end - gatheredAt >= writeBytes ? flush() : undefined;
    },
    rewind(to) {
      while (end > to && gathered.length > 0) {
        const last = gathered.pop();
        end -= last?.block.length ?? 0;
        last?.release?.();
      }
      // What is in the file behind the end is written over by what follows, or cut off with the file.
      end = to;
      gatheredAt = Math.min(gatheredAt, to);
    },
    flush,
    async read(into, at) {
      await flush();
      return await file.read(into, at);
    },
    async areEqual(one, other, lengthBytes) {
      await flush();
      const pieces = [one, other].map((at) => ({ at, buffer: Buffer.allocUnsafe(Math.min(lengthBytes, writeBytes)) }));
      for (let done = 0; done < lengthBytes; done += writeBytes) {
        const [left, right] = await Promise.all(
          pieces.map(async ({ at, buffer }) => {
            const piece = buffer.subarray(0, Math.min(writeBytes, lengthBytes - done));
            const read = await file.read(piece, at + done);
            return piece.subarray(0, read);
          }),
        );
        if (left === undefined || right === undefined || left.length === 0 || !left.equals(right)) return false;
      }
      return true;
    },
  };
}
