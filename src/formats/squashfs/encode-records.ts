// SPDX-License-Identifier: Apache-2.0
// Tables of fixed-size records to bytes: see indexed-table.ts.
import { type Compress, createMetadataWriter } from './metadata-writer.ts';

/**
 * The blocks of a table and the list of their offsets.
 * @param at where in the image the bytes will be
 * @returns the bytes, and where in the image the list starts, which is what the superblock has
 */
export function encodeRecordTable(
  records: Iterable<Buffer>,
  at: number,
  compress: Compress,
): { readonly bytes: Buffer; readonly start: number } {
  const writer = createMetadataWriter(compress);
  for (const record of records) writer.append(record);
  const { bytes, blocks } = writer.finish();
  return { bytes: Buffer.concat([bytes, encodeOffsets(blocks, at)]), start: at + bytes.length };
}

/** 64-bit offsets of blocks that start at `blocks` of something that starts at `at`. */
export function encodeOffsets(blocks: readonly number[], at: number): Buffer {
  const bytes = Buffer.allocUnsafe(8 * blocks.length);
  for (const [index, block] of blocks.entries()) bytes.writeBigUInt64LE(BigInt(at + block), 8 * index);
  return bytes;
}
