// SPDX-License-Identifier: Apache-2.0
// Contents of a pack into an image: the blocks of those that are wanted are copied as they are, in the pack's order and
// in large pieces, but for those that the image has already from another pack. A fragment block goes along whole when most
// of it is wanted; else the ends that are wanted are taken out of it and packed anew.
import { crc32 } from 'node:zlib';
import { type Compression, type Decompressors, storedLengthOf } from '../../formats/squashfs/index.ts';
import type { ContentTable } from './content-table.ts';
import type { FragmentPacker } from './fragment-packer.ts';
import { type CopyTarget, copyExtents, type Extent, isInImage, joined } from './pack-extents.ts';
import { damaged } from './pack-damaged.ts';
import type { Pack } from './pack-file.ts';
import { createTailReader, fragmentOf } from './pack-tails.ts';

export type AdoptionTarget = CopyTarget & {
  readonly contents: ContentTable;
  readonly packer: FragmentPacker;
  readonly compression: Compression;
  readonly decompressors: Decompressors;
  readonly blockSizeBytes: number;
  /** By what they look like, the first content with such blocks of those that were adopted. */
  readonly knownRuns: Map<string, number>;
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
  const shared = await findShared(target, pack, numbers);
  const plan = planAdoption(pack, numbers, shared);
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
      const firstBlock = shared.get(content) ?? (hasStoredBlocks(place) ? moved(place.firstBlock) : 0);
      contents.setBlocks(number, firstBlock, place.sizeWords);
      if (!shared.has(content) && hasStoredBlocks(place)) remember(target.knownRuns, keyOf(place), number);
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

type Place = ReturnType<ContentTable['placeOf']>;

/** Of wanted contents those whose blocks the image has from another pack, and where it has them. */
async function findShared(
  target: AdoptionTarget,
  pack: Pack,
  numbers: Uint32Array,
): Promise<ReadonlyMap<number, number>> {
  const shared = new Map<number, number>();
  for (const [content, number] of numbers.entries()) {
    if (number === notAdopted) continue;
    const place = pack.contents.placeOf(content);
    const known = hasStoredBlocks(place) ? target.knownRuns.get(keyOf(place)) : undefined;
    if (known === undefined) continue;
    const there = target.contents.placeOf(known);
    if (!bytesOfWords(place).equals(bytesOfWords(there))) continue;
    const extent = { start: place.firstBlock, end: place.firstBlock + storedBytesOf(place) };
    if (await isInImage(target, pack, extent, there.firstBlock)) shared.set(content, there.firstBlock);
  }
  return shared;
}

/** The first stays: of many that only look alike, as incompressible files of one size do, none is worth a search. */
function remember(knownRuns: Map<string, number>, key: string, number: number): void {
  if (!knownRuns.has(key)) knownRuns.set(key, number);
}

/** Contents with the same blocks have the same; others rarely do. */
function keyOf(place: Place): string {
  return `${place.sizeBytes} ${crc32(bytesOfWords(place))}`;
}

function bytesOfWords({ sizeWords }: Place): Buffer {
  return Buffer.from(Uint32Array.from(sizeWords).buffer);
}

function planAdoption(
  pack: Pack,
  numbers: Uint32Array,
  shared: ReadonlyMap<number, number>,
): { readonly extents: readonly Extent[]; readonly wholeFragments: readonly number[] } {
  const extents = new Map<number, Extent>();
  const fragments = pack.fragments.map(() => ({ bytes: 0, wantedBytes: 0, ends: new Set<number>() }));
  for (const [content, number] of numbers.entries()) {
    const place = pack.contents.placeOf(content);
    const isWanted = number !== notAdopted;
    if (isWanted && hasStoredBlocks(place) && !shared.has(content)) {
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
