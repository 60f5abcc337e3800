// SPDX-License-Identifier: Apache-2.0
// Metadata is stored in blocks of at most 8 KiB uncompressed, each with a 16-bit header (length, and whether it is
// compressed), and read as one stream: a structure may begin in one block and end in the next. This reader decodes
// the blocks that are asked for and keeps the latest ones.
import { damaged } from './damaged.ts';
import type { Decompress } from './decompress.ts';

export const metadataBlockSizeBytes = 8192;

const headerSizeBytes = 2;
export const uncompressedMetadataBit = 0x8000;
const maxCachedBlocks = 512;
// Neighbouring blocks are usually wanted together, and a shared file system charges by the request.
const windowSizeBytes = 32 * 1024;

/** Synchronous; returns fewer bytes than asked for only at the end of the file. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** Part of the image that holds one stream of metadata: blocks start at `start` or later and end at `end` or earlier. */
export type MetadataTable = { readonly name: string; readonly start: number; readonly end: number };

/** A place in the stream, moved on by `take`. `block` is an absolute offset, `offset` one in the decoded block. */
export type MetadataPosition = { block: number; offset: number };

export type MetadataReader = {
  /**
   * The next `length` bytes, which the caller must not change, and moves `position` behind them.
   * @throws SlipwayError `squashfs-damaged` where the table ends before, or a block can't be decoded
   */
  readonly take: (table: MetadataTable, position: MetadataPosition, length: number) => Buffer;
  /** How many bytes the table can have decoded at most, by the number of its blocks; reads their headers only. */
  readonly measure: (table: MetadataTable) => number;
};

type DecodedBlock = { readonly bytes: Buffer; readonly nextBlock: number };

export function createMetadataReader(read: ReadAt, decompress: Decompress, image: string): MetadataReader {
  const decoded = new Map<number, DecodedBlock>();
  let windowStart = 0;
  let window: Buffer = Buffer.alloc(0);

  function readWindow(table: MetadataTable, start: number, length: number): Buffer {
    if (start < windowStart || start + length > windowStart + window.length) {
      window = read(start, Math.max(length, Math.min(windowSizeBytes, table.end - start)));
      windowStart = start;
    }
    return window.subarray(start - windowStart, start - windowStart + length);
  }

  function decodeBlock(table: MetadataTable, start: number): DecodedBlock {
    const fail = (reason: string, cause?: unknown): never =>
      damaged(image, `a block of the ${table.name}`, start, reason, cause);
    if (start < table.start || start + headerSizeBytes > table.end) {
      fail(`it lies outside the table (${table.start} to ${table.end})`);
    }
    const cached = decoded.get(start);
    if (cached !== undefined) return cached;

    const header = readWindow(table, start, headerSizeBytes);
    if (header.length < headerSizeBytes) fail('the file ends there');
    const length = header.readUInt16LE(0) & ~uncompressedMetadataBit;
    const isCompressed = (header.readUInt16LE(0) & uncompressedMetadataBit) === 0;
    const nextBlock = start + headerSizeBytes + length;
    if (length === 0 || length > metadataBlockSizeBytes) fail(`it has ${length} bytes`);
    if (nextBlock > table.end) fail(`its ${length} bytes run out of the table`);
    const stored = readWindow(table, start + headerSizeBytes, length);
    if (stored.length < length) fail('the file ends inside it');

    let bytes: Buffer;
    try {
      bytes = isCompressed ? decompress(stored, metadataBlockSizeBytes) : Buffer.from(stored);
    } catch (cause) {
      return fail('it does not decompress', cause);
    }
    if (decoded.size >= maxCachedBlocks) {
      for (const oldest of decoded.keys()) {
        decoded.delete(oldest);
        break;
      }
    }
    const block = { bytes, nextBlock };
    decoded.set(start, block);
    return block;
  }

  /** The block that `position` is in; one at the very end of a block means the start of the next. */
  function blockAt(table: MetadataTable, position: MetadataPosition): DecodedBlock {
    let block = decodeBlock(table, position.block);
    if (position.offset === block.bytes.length) {
      position.block = block.nextBlock;
      position.offset = 0;
      block = decodeBlock(table, position.block);
      if (block.bytes.length === 0) damaged(image, `a block of the ${table.name}`, position.block, 'it is empty');
    } else if (position.offset > block.bytes.length) {
      damaged(
        image,
        `a block of the ${table.name}`,
        position.block,
        `its byte ${position.offset} is asked for, it has ${block.bytes.length}`,
      );
    }
    return block;
  }

  return {
    take(table, position, length) {
      if (length === 0) return Buffer.alloc(0);
      const block = blockAt(table, position);
      if (position.offset + length <= block.bytes.length) {
        const bytes = block.bytes.subarray(position.offset, position.offset + length);
        position.offset += length;
        return bytes;
      }
      // Grows with what is really there, so that a length out of a hostile image allocates nothing by itself.
      const parts: Buffer[] = [];
      for (let missing = length; missing > 0;) {
        const { bytes } = blockAt(table, position);
        const part = bytes.subarray(position.offset, position.offset + missing);
        parts.push(part);
        position.offset += part.length;
        missing -= part.length;
      }
      return Buffer.concat(parts, length);
    },
    measure(table) {
      let blocks = 0;
      // What lies between the table and the next one's list of offsets is that one's blocks: counting them too does no harm.
      for (let start = table.start; start + headerSizeBytes < table.end; blocks++) {
        const header = readWindow(table, start, headerSizeBytes);
        const length = header.length < headerSizeBytes ? 0 : header.readUInt16LE(0) & ~uncompressedMetadataBit;
        if (length === 0 || length > metadataBlockSizeBytes) break;
        start += headerSizeBytes + length;
      }
      return blocks * metadataBlockSizeBytes;
    },
  };
}
