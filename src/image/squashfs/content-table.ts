// SPDX-License-Identifier: Apache-2.0
// Where each content is, in columns: an image may have a million files, and most have no block and one tail.
import type { PlacedContent } from '../../formats/squashfs/index.ts';

export type ContentTable = {
  /** Reserves the next number for a content of this size. */
  readonly add: (sizeBytes: number) => number;
  readonly count: () => number;
  readonly setBlocks: (content: number, firstBlock: number, sizeWords: ArrayLike<number>) => void;
  /** Says that the blocks which were set are at another place. */
  readonly moveBlocks: (content: number, firstBlock: number) => void;
  readonly setFragment: (content: number, place: { readonly index: number; readonly offset: number }) => void;
  readonly placeOf: (content: number) => PlacedContent;
  /** Everything, for `decodeContentTable` on a machine of the same byte order. */
  readonly encode: () => Buffer;
};

type Columns = {
  sizes: Float64Array;
  firstBlocks: Float64Array;
  fragmentIndexes: Uint32Array;
  fragmentOffsets: Uint32Array;
  /** Where in `words` a content's size words begin, and how many there are. */
  wordPlaces: Uint32Array;
  wordCounts: Uint32Array;
};

const noFragment = 0xffff_ffff;
const headerBytes = 8;
const columnBytes = 8 + 8 + 4 * 4;

export function createContentTable(): ContentTable {
  return contentTable(emptyColumns(1024), 0, new Uint32Array(1024), 0);
}

/** @throws RangeError where `bytes` are not what `encode` gives */
export function decodeContentTable(bytes: Buffer): ContentTable {
  const count = bytes.readUInt32LE(0);
  const wordCount = bytes.readUInt32LE(4);
  if (bytes.length !== headerBytes + count * columnBytes + wordCount * 4) throw new RangeError('its length is wrong');
  // A copy of its own begins where every column is aligned.
  const { buffer } = Uint8Array.prototype.slice.call(bytes);
  let at = headerBytes;
  const next = (elementBytes: number, elements: number): [ArrayBufferLike, number, number] => {
    const start = at;
    at += elementBytes * elements;
    return [buffer, start, elements];
  };
  const columns = {
    sizes: new Float64Array(...next(8, count)),
    firstBlocks: new Float64Array(...next(8, count)),
    fragmentIndexes: new Uint32Array(...next(4, count)),
    fragmentOffsets: new Uint32Array(...next(4, count)),
    wordPlaces: new Uint32Array(...next(4, count)),
    wordCounts: new Uint32Array(...next(4, count)),
  };
  const words = new Uint32Array(...next(4, wordCount));
  for (const [content, place] of columns.wordPlaces.entries()) {
    if (place + (columns.wordCounts[content] ?? 0) > wordCount) throw new RangeError(`content ${content} has no end`);
  }
  return contentTable(columns, count, words, wordCount);
}

function contentTable(
  initial: Columns,
  initialCount: number,
  initialWords: Uint32Array,
  initialWordCount: number,
): ContentTable {
  let columns = initial;
  let count = initialCount;
  let words = initialWords;
  let usedWords = initialWordCount;

  return {
    add(sizeBytes) {
      if (count === columns.sizes.length) columns = widened(columns, Math.max(1024, count * 2));
      columns.sizes[count] = sizeBytes;
      columns.fragmentIndexes[count] = noFragment;
      return count++;
    },
    count: () => count,
    setBlocks(content, firstBlock, sizeWords) {
      if (usedWords + sizeWords.length > words.length) {
        words = copyInto(new Uint32Array(Math.max(words.length * 2, usedWords + sizeWords.length)), words);
      }
      words.set(sizeWords, usedWords);
      columns.firstBlocks[content] = firstBlock;
      columns.wordPlaces[content] = usedWords;
      columns.wordCounts[content] = sizeWords.length;
      usedWords += sizeWords.length;
    },
    moveBlocks(content, firstBlock) {
      columns.firstBlocks[content] = firstBlock;
    },
    setFragment(content, { index, offset }) {
      columns.fragmentIndexes[content] = index;
      columns.fragmentOffsets[content] = offset;
    },
    placeOf(content) {
      const place = columns.wordPlaces[content] ?? 0;
      const index = columns.fragmentIndexes[content] ?? noFragment;
      return {
        sizeBytes: columns.sizes[content] ?? 0,
        firstBlock: columns.firstBlocks[content] ?? 0,
        sizeWords: words.subarray(place, place + (columns.wordCounts[content] ?? 0)),
        fragment: index === noFragment ? undefined : { index, offset: columns.fragmentOffsets[content] ?? 0 },
      };
    },
    encode() {
      const header = Buffer.alloc(headerBytes);
      header.writeUInt32LE(count, 0);
      header.writeUInt32LE(usedWords, 4);
      const { sizes, firstBlocks, fragmentIndexes, fragmentOffsets, wordPlaces, wordCounts } = columns;
      const parts = [sizes, firstBlocks, fragmentIndexes, fragmentOffsets, wordPlaces, wordCounts].map((column) =>
        bytesOf(column.subarray(0, count)),
      );
      return Buffer.concat([header, ...parts, bytesOf(words.subarray(0, usedWords))]);
    },
  };
}

function emptyColumns(capacity: number): Columns {
  return {
    sizes: new Float64Array(capacity),
    firstBlocks: new Float64Array(capacity),
    fragmentIndexes: new Uint32Array(capacity),
    fragmentOffsets: new Uint32Array(capacity),
    wordPlaces: new Uint32Array(capacity),
    wordCounts: new Uint32Array(capacity),
  };
}

function widened(columns: Columns, capacity: number): Columns {
  const wide = emptyColumns(capacity);
  return {
    sizes: copyInto(wide.sizes, columns.sizes),
    firstBlocks: copyInto(wide.firstBlocks, columns.firstBlocks),
    fragmentIndexes: copyInto(wide.fragmentIndexes, columns.fragmentIndexes),
    fragmentOffsets: copyInto(wide.fragmentOffsets, columns.fragmentOffsets),
    wordPlaces: copyInto(wide.wordPlaces, columns.wordPlaces),
    wordCounts: copyInto(wide.wordCounts, columns.wordCounts),
  };
}

function copyInto<Column extends { set: (from: Column) => void }>(into: Column, from: Column): Column {
  into.set(from);
  return into;
}

function bytesOf(column: Float64Array | Uint32Array): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength);
}
