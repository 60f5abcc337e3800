// SPDX-License-Identifier: Apache-2.0
// The ends of contents, out of a pack's fragment blocks.
import {
  type Decompressors,
  type StoredBlock,
  storedLengthOf,
  uncompressedDataBit,
} from '../../formats/squashfs/index.ts';
import { cellBytes } from './cell-checksums.ts';
import { damaged } from './pack-damaged.ts';
import type { Pack } from './pack-file.ts';

/** Reads ends out of fragment blocks; ends of one block are best asked for one after the other. */
export function createTailReader(
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
      const cellStart = pack.cellStart(number);
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

/** Where a fragment block is. @throws SlipwayError `layer-pack-damaged` */
export function fragmentOf(pack: Pack, index: number): StoredBlock {
  const fragment = pack.fragments[index];
  if (fragment === undefined || storedLengthOf(fragment.sizeWord) > pack.blockSizeBytes) {
    return damaged(pack, `fragment ${index} is none`);
  }
  return fragment;
}
