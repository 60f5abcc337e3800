// SPDX-License-Identifier: Apache-2.0
// Contents of a pack into an image: the blocks of those that are wanted are copied as they are, in the pack's order and
// in large pieces. A fragment block goes along whole when most of it is wanted; else the ends that are wanted are taken
// out of it and packed anew.
import {
  type Compression,
  type Decompressors,
  type StoredBlock,
  storedLengthOf,
  uncompressedDataBit,
} from '../../formats/squashfs/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { createBufferPool } from './buffer-pool.ts';
import { cellBytes } from './cell-checksums.ts';
import type { ContentTable } from './content-table.ts';
import type { DataArea } from './data-area.ts';
import type { FragmentPacker } from './fragment-packer.ts';
import type { Pack } from './pack-file.ts';

export type AdoptionTarget = {
  readonly area: DataArea;
  readonly contents: ContentTable;
  readonly packer: FragmentPacker;
  readonly compression: Compression;
  readonly decompressors: Decompressors;
  readonly blockSizeBytes: number;
  readonly signal: AbortSignal;
  /** Told of stored bytes as they are copied. */
  readonly copied?: (bytes: number) => void;
};

/** Less of a fragment block than this, and its wanted ends are packed anew. */
const minWantedShare = 0.5;
const notAdopted = 0xffff_ffff;

/**
 * Copies what `wanted` contents of `pack` need, and returns for each content of the pack its number in the image.
 * Nothing may be under way in the area meanwhile.
 * @throws SlipwayError `layer-pack-damaged`
 */
export async function adoptPack(
  target: AdoptionTarget,
  pack: Pack,
  wanted: Iterable<number>,
): Promise<(content: number) => number> {
  const { contents, packer } = target;
  if (pack.blockSizeBytes !== target.blockSizeBytes || pack.compression !== target.compression) {
    throw new Error('the pack has another block size or compression than the image');
  }
  const numbers = new Uint32Array(pack.contents.count()).fill(notAdopted);
  for (const content of wanted) {
    if (content < numbers.length && numbers[content] === notAdopted) {
      numbers[content] = contents.add(pack.contents.placeOf(content).sizeBytes);
    }
  }
  const plan = planAdoption(pack, numbers);
  const moved = await copyExtents(target, pack, plan.extents);
  const fragmentNumbers = new Map<number, number>();
  for (const index of plan.wholeFragments) {
    const { start, sizeWord } = fragmentOf(pack, index);
    fragmentNumbers.set(index, packer.adopt({ start: moved(start), sizeWord }));
  }
  const repacked = createTailReader(pack, target.decompressors);
  for (const [content, number] of numbers.entries()) {
    if (number === notAdopted) continue;
    const place = pack.contents.placeOf(content);
    if (place.sizeWords.length > 0) {
      contents.setBlocks(number, hasStoredBlocks(place) ? moved(place.firstBlock) : 0, place.sizeWords);
    }
    if (place.fragment === undefined) continue;
    const index = fragmentNumbers.get(place.fragment.index);
    contents.setFragment(
      number,
      index === undefined
        ? packer.add(await repacked(place.fragment, tailLengthOf(pack, content)))
        : { index, offset: place.fragment.offset },
    );
  }
  return (content) => {
    const number = numbers[content] ?? notAdopted;
    if (number === notAdopted) throw new Error(`content ${content} of the pack was not adopted`);
    return number;
  };
}

type Extent = { readonly start: number; readonly end: number };
type Place = ReturnType<ContentTable['placeOf']>;

function planAdoption(
  pack: Pack,
  numbers: Uint32Array,
): { readonly extents: readonly Extent[]; readonly wholeFragments: readonly number[] } {
  const extents = new Map<number, Extent>();
  const fragments = pack.fragments.map(() => ({ bytes: 0, wantedBytes: 0, ends: new Set<number>() }));
  for (const [content, number] of numbers.entries()) {
    const place = pack.contents.placeOf(content);
    const isWanted = number !== notAdopted;
    if (isWanted && hasStoredBlocks(place)) {
      extents.set(place.firstBlock, { start: place.firstBlock, end: place.firstBlock + storedBytesOf(place) });
    }
    if (place.fragment === undefined) continue;
    const fragment = fragments[place.fragment.index] ?? damaged(pack, `it has no fragment ${place.fragment.index}`);
    const length = tailLengthOf(pack, content);
    fragment.bytes = Math.max(fragment.bytes, place.fragment.offset + length);
    // Several contents may have the same end.
    if (isWanted && !fragment.ends.has(place.fragment.offset)) {
      fragment.ends.add(place.fragment.offset);
      fragment.wantedBytes += length;
    }
  }
  const wholeFragments: number[] = [];
  for (const [index, { bytes, wantedBytes }] of fragments.entries()) {
    if (wantedBytes === 0 || wantedBytes < bytes * minWantedShare) continue;
    const { start, sizeWord } = fragmentOf(pack, index);
    extents.set(start, { start, end: start + storedLengthOf(sizeWord) });
    wholeFragments.push(index);
  }
  return { extents: joined([...extents.values()]), wholeFragments };
}

/** In order, neighbours made one. */
function joined(extents: readonly Extent[]): Extent[] {
  const result: Extent[] = [];
  for (const extent of extents.toSorted((left, right) => left.start - right.start)) {
    const last = result.at(-1);
    if (last?.end === extent.start) result[result.length - 1] = { start: last.start, end: extent.end };
    else result.push(extent);
  }
  return result;
}

/** A cell of the pack in memory, while somebody looks at it. */
type Cell = {
  readonly number: number;
  readonly at: number;
  readonly bytes: Buffer;
  readonly buffer: Buffer;
  users: number;
};

/** Appends the extents, and returns where an offset of one is now. */
async function copyExtents(
  target: AdoptionTarget,
  pack: Pack,
  extents: readonly Extent[],
): Promise<(offset: number) => number> {
  const pool = createBufferPool(cellBytes);
  const starts: number[] = [];
  let cell: Cell | undefined;
  const release = (used: Cell): void => {
    if (--used.users === 0) pool.give(used.buffer);
  };
  for (const { start, end } of extents) {
    starts.push(target.area.end());
    for (let at = start; at < end;) {
      target.signal.throwIfAborted();
      const number = Math.floor(at / cellBytes);
      if (cell?.number !== number) {
        if (cell !== undefined) release(cell);
        const buffer = pool.take();
        const bytes = await pack.readCell(number, buffer);
        cell = { number, at: number === 0 ? pack.dataStart : number * cellBytes, bytes, buffer, users: 1 };
      }
      const used = cell;
      const piece = used.bytes.subarray(at - used.at, Math.min(end - used.at, used.bytes.length));
      if (at < used.at || piece.length === 0) damaged(pack, `it ends before byte ${at}`);
      used.users++;
      await target.area.append(piece, () => release(used));
      at += piece.length;
      target.copied?.(piece.length);
    }
  }
  return (offset) => {
    // The last extent that does not begin behind the offset.
    let low = 0;
    let high = extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((extents[middle]?.start ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    const extent = extents[low - 1];
    const start = starts[low - 1];
    if (extent === undefined || start === undefined || offset >= extent.end) {
      return damaged(pack, `nothing was copied from byte ${offset}`);
    }
    return start + offset - extent.start;
  };
}

/** Reads ends out of fragment blocks; ends of one block are best asked for one after the other. */
function createTailReader(
  pack: Pack,
  decompressors: Decompressors,
): (place: { readonly index: number; readonly offset: number }, length: number) => Promise<Buffer> {
  let current: { readonly index: number; readonly bytes: Buffer } | undefined;
  const cell: { number: number; bytes: Buffer; readonly room: Buffer } = {
    number: -1,
    bytes: Buffer.alloc(0),
    room: Buffer.allocUnsafe(cellBytes),
  };
  const readBlock = async (start: number, lengthBytes: number): Promise<Buffer> => {
    const stored = Buffer.allocUnsafe(lengthBytes);
    for (let done = 0; done < lengthBytes;) {
      const number = Math.floor((start + done) / cellBytes);
      if (cell.number !== number) {
        cell.number = -1;
        cell.bytes = await pack.readCell(number, cell.room);
        cell.number = number;
      }
      const cellStart = number === 0 ? pack.dataStart : number * cellBytes;
      const copied = cell.bytes.copy(stored, done, start + done - cellStart);
      if (copied === 0) damaged(pack, `it ends before byte ${start + done}`);
      done += copied;
    }
    return stored;
  };
  return async ({ index, offset }, length) => {
    if (current?.index !== index) {
      const { start, sizeWord } = fragmentOf(pack, index);
      const stored = await readBlock(start, storedLengthOf(sizeWord));
      current = { index, bytes: isStored(sizeWord) ? stored : decode(pack, decompressors, stored) };
    }
    const tail = current.bytes.subarray(offset, offset + length);
    if (tail.length < length) damaged(pack, `fragment ${index} is too short`);
    return tail;
  };
}

function isStored(sizeWord: number): boolean {
  return (sizeWord & uncompressedDataBit) !== 0;
}

function decode(pack: Pack, decompressors: Decompressors, stored: Buffer): Buffer {
  try {
    return decompressors[pack.compression]?.(stored, pack.blockSizeBytes) ?? damaged(pack, 'its compression');
  } catch (error) {
    return damaged(pack, 'a fragment does not decompress', error);
  }
}

function fragmentOf(pack: Pack, index: number): StoredBlock {
  const fragment = pack.fragments[index];
  if (fragment === undefined || storedLengthOf(fragment.sizeWord) > pack.blockSizeBytes) {
    return damaged(pack, `fragment ${index} is none`);
  }
  return fragment;
}

function tailLengthOf(pack: Pack, content: number): number {
  const { sizeBytes, sizeWords } = pack.contents.placeOf(content);
  const length = sizeBytes - sizeWords.length * pack.blockSizeBytes;
  return length >= 0 && length < pack.blockSizeBytes ? length : damaged(pack, `content ${content} has no size`);
}

function hasStoredBlocks(place: Place): boolean {
  return storedBytesOf(place) > 0;
}

function storedBytesOf({ sizeWords }: Place): number {
  let bytes = 0;
  for (let index = 0; index < sizeWords.length; index++) bytes += storedLengthOf(sizeWords[index] ?? 0);
  return bytes;
}

function damaged(pack: Pack, reason: string, cause?: unknown): never {
  throw new SlipwayError('layer-pack-damaged', { path: pack.path, reason }, { cause });
}
