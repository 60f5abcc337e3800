// SPDX-License-Identifier: Apache-2.0
// The ends of contents, gathered in blocks that many contents share.
import { hash } from 'node:crypto';
import type { StoredBlock } from '../../formats/squashfs/index.ts';
import type { Piece } from './block-cutter.ts';
import type { BufferPool } from './buffer-pool.ts';

export type FragmentPlace = { readonly index: number; readonly offset: number };

export type FragmentPacker = {
  /** Where the bytes, fewer than a block, are or will be: an equal end that came before is used again. */
  readonly add: (tail: Buffer) => FragmentPlace;
  /** Numbers a fragment block that is stored already. */
  readonly adopt: (block: StoredBlock) => number;
  /** Hands out the block that is being filled. */
  readonly end: () => void;
  /** Complete when all that was handed out is stored. */
  readonly fragments: readonly StoredBlock[];
};

/**
 * @param store compresses and appends a block, and says where it is
 */
export function createFragmentPacker(
  pool: BufferPool,
  blockSizeBytes: number,
  store: (block: Piece, stored: (at: StoredBlock) => void) => void,
): FragmentPacker {
  const fragments: StoredBlock[] = [];
  const known = new Map<string, FragmentPlace>();
  let buffer: Buffer | undefined;
  let bufferIndex = 0;
  let usedBytes = 0;
  let nextIndex = 0;

  function end(): void {
    if (buffer === undefined) return;
    const filled = buffer;
    const index = bufferIndex;
    store({ bytes: filled.subarray(0, usedBytes), release: () => pool.give(filled) }, (at) => {
      fragments[index] = at;
    });
    buffer = undefined;
    usedBytes = 0;
  }

  return {
    fragments,
    end,
    add(tail) {
      const digest = hash('sha256', tail, 'base64');
      const before = known.get(digest);
      if (before !== undefined) return before;
      if (usedBytes + tail.length > blockSizeBytes) end();
      if (buffer === undefined) {
        buffer = pool.take();
        bufferIndex = nextIndex++;
      }
      const place = { index: bufferIndex, offset: usedBytes };
      usedBytes += tail.copy(buffer, usedBytes);
      known.set(digest, place);
      return place;
    },
    adopt(block) {
      const index = nextIndex++;
      fragments[index] = block;
      return index;
    },
  };
}
