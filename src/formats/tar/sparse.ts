// SPDX-License-Identifier: Apache-2.0
// Sparse files: which parts of a file the archive holds, in the four spellings of GNU tar's manual ("Storing Sparse
// Files"): the old GNU header type S, and pax 0.0, 0.1 and 1.0. Each comes out as one list of segments.
import { malformed } from './malformed.ts';
import { readDecimal, readNumber } from './numbers.ts';

/** The parts that are stored, in order and apart; what lies between them and after the last is a hole. */
export type SparseMap = {
  /** Alternately where a part starts and how long it is. */
  readonly segments: readonly number[];
  /** Length of the file with its holes. */
  readonly sizeBytes: number;
};

/** A file of more parts is refused. */
const maxSparseSegments: number = 256 * 1024;

/**
 * Checks a map against the bytes that the archive stores for it.
 * @throws Malformed when parts overlap, go backwards, leave the file, or don't add up to `storedBytes`.
 */
export function checkSparseMap(map: SparseMap, storedBytes: number): SparseMap {
  let end = 0;
  let sum = 0;
  for (let index = 0; index < map.segments.length; index += 2) {
    const offset = map.segments[index] ?? 0;
    const length = map.segments[index + 1] ?? 0;
    if (offset < end) malformed('the sparse map goes backwards');
    end = offset + length;
    if (end > map.sizeBytes) malformed('the sparse map leaves the file');
    sum += length;
  }
  if (sum !== storedBytes) malformed(`the sparse map names ${sum} bytes where ${storedBytes} are stored`);
  return map;
}

/** Where a header of type S keeps its map, and how many entries; an extension block has 21 at 0. */
export const oldGnuHeaderMap = { start: 386, count: 4, extendedAt: 482 } as const;
export const oldGnuExtensionMap = { start: 0, count: 21, extendedAt: 504 } as const;

/**
 * Adds the map entries of one old GNU block to `segments`.
 * @returns whether another extension block follows.
 */
export function readOldGnuMap(
  block: Buffer,
  layout: typeof oldGnuHeaderMap | typeof oldGnuExtensionMap,
  segments: number[],
): boolean {
  for (let index = 0; index < layout.count; index += 1) {
    const at = layout.start + index * 24;
    // The list ends at the first entry that was left blank.
    if (block[at] === 0 && block[at + 12] === 0) break;
    addSegment(segments, readNumber(block, at, 12, 'sparse offset'), readNumber(block, at + 12, 12, 'sparse size'));
  }
  return block[layout.extendedAt] !== 0;
}

/** The whole file's length, from a header of type S. */
export function readOldGnuSize(block: Buffer): number {
  const sizeBytes = readNumber(block, 483, 12, 'sparse size');
  if (sizeBytes < 0) malformed('the sparse size is negative');
  return sizeBytes;
}

function addSegment(segments: number[], offset: number, length: number): void {
  if (offset < 0 || length < 0) malformed('the sparse map has a negative number');
  if (segments.length >= maxSparseSegments * 2) malformed(`the sparse map has more than ${maxSparseSegments} parts`);
  segments.push(offset, length);
}

/** The map of pax 0.1: `GNU.sparse.map`, numbers with commas. */
export function readCommaMap(text: string): readonly number[] {
  if (text === '') return [];
  const numbers = text.split(',').map((part) => readDecimal(part, 'GNU.sparse.map'));
  if (numbers.length % 2 !== 0) malformed('GNU.sparse.map has an odd number of members');
  return numbers;
}

/**
 * Reads the map of pax 1.0, which stands before the content: a count, then each offset and length, a line each,
 * padded to whole blocks. `push` takes one block and says whether the map is complete.
 */
export function createMapLines(): { readonly push: (block: Buffer) => boolean; readonly segments: readonly number[] } {
  const segments: number[] = [];
  let wanted = -1;
  let offset = -1;
  let line = '';
  const take = (text: string): void => {
    const value = readDecimal(text, 'a sparse map line');
    if (wanted < 0) {
      if (value > maxSparseSegments) malformed(`the sparse map has more than ${maxSparseSegments} parts`);
      wanted = value * 2;
    } else if (offset < 0) {
      offset = value;
    } else {
      addSegment(segments, offset, value);
      offset = -1;
    }
  };
  const isComplete = (): boolean => wanted >= 0 && segments.length >= wanted;
  const push = (block: Buffer): boolean => {
    let start = 0;
    while (!isComplete()) {
      const end = block.indexOf(0x0a, start);
      if (end < 0) {
        line += block.toString('latin1', start);
        if (line.length > 20) malformed('a sparse map line is too long');
        return false;
      }
      take(line + block.toString('latin1', start, end));
      line = '';
      start = end + 1;
    }
    return true;
  };
  return { push, segments };
}
