// SPDX-License-Identifier: Apache-2.0
// Where each content is, in columns: an image may have a million files, and most have no block and one tail.
import type { PlacedContent } from '../../formats/squashfs/index.ts';

export type ContentTable = {
  /** Reserves the next number for a content of this size. */
  readonly add: (sizeBytes: number) => number;
  readonly count: () => number;
  readonly setBlocks: (content: number, firstBlock: number, sizeWords: readonly number[]) => void;
  readonly setFragment: (content: number, index: number, offset: number) => void;
  readonly placeOf: (content: number) => PlacedContent;
};

const noFragment = 0xffff_ffff;

export function createContentTable(): ContentTable {
  let count = 0;
  let sizes = new Float64Array(1024);
  let firstBlocks = new Float64Array(1024);
  let fragmentIndexes = new Uint32Array(1024);
  let fragmentOffsets = new Uint32Array(1024);
  /** Where in `words` a content's size words begin, and how many there are. */
  let wordPlaces = new Uint32Array(1024);
  let wordCounts = new Uint32Array(1024);
  let words = new Uint32Array(1024);
  let usedWords = 0;

  function grow(): void {
    const capacity = count * 2;
    sizes = resized(new Float64Array(capacity), sizes);
    firstBlocks = resized(new Float64Array(capacity), firstBlocks);
    fragmentIndexes = resized(new Uint32Array(capacity), fragmentIndexes);
    fragmentOffsets = resized(new Uint32Array(capacity), fragmentOffsets);
    wordPlaces = resized(new Uint32Array(capacity), wordPlaces);
    wordCounts = resized(new Uint32Array(capacity), wordCounts);
  }

  return {
    add(sizeBytes) {
      if (count === sizes.length) grow();
      sizes[count] = sizeBytes;
      fragmentIndexes[count] = noFragment;
      return count++;
    },
    count: () => count,
    setBlocks(content, firstBlock, sizeWords) {
      if (usedWords + sizeWords.length > words.length) {
        words = resized(new Uint32Array(Math.max(words.length * 2, usedWords + sizeWords.length)), words);
      }
      words.set(sizeWords, usedWords);
      firstBlocks[content] = firstBlock;
      wordPlaces[content] = usedWords;
      wordCounts[content] = sizeWords.length;
      usedWords += sizeWords.length;
    },
    setFragment(content, index, offset) {
      fragmentIndexes[content] = index;
      fragmentOffsets[content] = offset;
    },
    placeOf(content) {
      const place = wordPlaces[content] ?? 0;
      const index = fragmentIndexes[content] ?? noFragment;
      return {
        sizeBytes: sizes[content] ?? 0,
        firstBlock: firstBlocks[content] ?? 0,
        sizeWords: words.subarray(place, place + (wordCounts[content] ?? 0)),
        fragment: index === noFragment ? undefined : { index, offset: fragmentOffsets[content] ?? 0 },
      };
    },
  };
}

function resized<Column extends { set: (from: Column) => void }>(into: Column, from: Column): Column {
  into.set(from);
  return into;
}
