// SPDX-License-Identifier: Apache-2.0
// Extended attributes: inodes with the same set share it by number. A set is a run of names and values; a value that
// occurs often may be stored elsewhere, and then a reference stands in its place.
import { damaged } from './damaged.ts';
import { unpackReference } from './inode.ts';
import { createRecordReader, type TableContext } from './indexed-table.ts';

/** Prefixes by their number on disk. */
export const xattrPrefixes = ['user.', 'trusted.', 'security.'] as const;
const outOfLineBit = 0x100;
/** Of one set. Linux lets a file system keep values of 64 KiB; no set of a sane image comes near this. */
const maxSetBytes = 4 * 1024 * 1024;

export type Xattr = { readonly name: string; readonly value: Buffer };

/**
 * A reader of the set with a given number (an inode's `xattrIndex`).
 * @param table the table's start as in the superblock, or undefined where the image has none
 */
export function createXattrReader(
  context: TableContext,
  table: number | undefined,
): (index: number) => readonly Xattr[] {
  const { image, metadata } = context;
  if (table === undefined) {
    return (index) =>
      damaged(image, 'the superblock', 56, `attribute set ${index} is used, but no such table is there`);
  }
  let opened: { readonly start: number; readonly recordAt: (index: number) => Buffer } | undefined;

  function open(start: number): { readonly start: number; readonly recordAt: (index: number) => Buffer } {
    const header = start + 16 > context.usedBytes ? Buffer.alloc(0) : context.read(start, 16);
    if (header.length < 16) damaged(image, 'the attribute table', start, 'the file ends inside it');
    const values = header.readBigUInt64LE(0);
    if (values > BigInt(start)) damaged(image, 'the attribute table', start, `its values are at ${values}`);
    const ids = { name: 'attribute table', start: start + 16, count: header.readUInt32LE(8), recordSizeBytes: 16 };
    return { start: Number(values), recordAt: createRecordReader(context, ids) };
  }

  return (index) => {
    opened ??= open(table);
    const { start, recordAt } = opened;
    const values = { name: 'attribute values', start, end: table };
    const record = recordAt(index);
    const relative = unpackReference(Number(record.readBigUInt64LE(0)));
    const position = { block: start + relative.block, offset: relative.offset };
    const count = record.readUInt32LE(8);
    const set: Xattr[] = [];
    let setBytes = 0;
    const fail = (reason: string): never => damaged(image, `attribute set ${index}`, position.block, reason);
    const take = (at: typeof position, length: number): Buffer => {
      setBytes += length;
      if (setBytes > maxSetBytes) fail(`it has more than ${maxSetBytes} bytes`);
      return metadata.take(values, at, length);
    };

    for (let entry = 0; entry < count; entry++) {
      const head = take(position, 4);
      const type = head.readUInt16LE(0);
      const prefix = xattrPrefixes[type & ~outOfLineBit] ?? fail(`a name of type ${type}`);
      const name = prefix + take(position, head.readUInt16LE(2)).toString('latin1');
      const inPlace = take(position, take(position, 4).readUInt32LE(0));
      if ((type & outOfLineBit) === 0) {
        set.push({ name, value: Buffer.from(inPlace) });
        continue;
      }
      if (inPlace.length !== 8) fail(`a reference of ${inPlace.length} bytes`);
      const elsewhere = unpackReference(Number(inPlace.readBigUInt64LE(0)));
      const valueAt = { block: start + elsewhere.block, offset: elsewhere.offset };
      set.push({ name, value: Buffer.from(take(valueAt, take(valueAt, 4).readUInt32LE(0))) });
    }
    return set;
  };
}
