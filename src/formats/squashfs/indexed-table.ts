// SPDX-License-Identifier: Apache-2.0
// Tables of fixed-size records that are found by number: metadata blocks, and after them, at the table's start as
// the superblock has it, a list of 64-bit offsets of these blocks. Owners, fragments, exports and attributes use it.
import { damaged } from './damaged.ts';
import { metadataBlockSizeBytes, type MetadataReader, type ReadAt } from './metadata-reader.ts';

export type IndexedTable = {
  readonly name: string;
  /** Where the list of block offsets starts. */
  readonly start: number;
  readonly count: number;
  readonly recordSizeBytes: number;
};

export type TableContext = {
  readonly image: string;
  readonly read: ReadAt;
  readonly metadata: MetadataReader;
  readonly usedBytes: number;
};

/**
 * A reader of single records; nothing is read before it is called.
 * It throws SlipwayError `squashfs-damaged` for a record that the table does not have.
 */
export function createRecordReader(context: TableContext, table: IndexedTable): (index: number) => Buffer {
  const perBlock = Math.floor(metadataBlockSizeBytes / table.recordSizeBytes);
  const blocks = { name: table.name, start: 0, end: table.start };
  return (index) => {
    const fail = (reason: string): never => damaged(context.image, `the ${table.name}`, table.start, reason);
    if (index >= table.count) fail(`record ${index} is asked for, it has ${table.count}`);
    const pointerAt = table.start + Math.floor(index / perBlock) * 8;
    if (pointerAt + 8 > context.usedBytes) fail('it runs out of the image');
    const pointer = context.read(pointerAt, 8);
    if (pointer.length < 8) fail('the file ends inside it');
    const block = pointer.readBigUInt64LE(0);
    if (block > BigInt(table.start)) fail(`a block at ${block}`);
    const offset = (index % perBlock) * table.recordSizeBytes;
    return context.metadata.take(blocks, { block: Number(block), offset }, table.recordSizeBytes);
  };
}
