// SPDX-License-Identifier: Apache-2.0
// Extended attributes to bytes: see xattrs.ts. Equal sets are stored once.
import { SlipwayError } from '../../model/index.ts';
import { encodeOffsets } from './encode-records.ts';
import { packReference } from './inode.ts';
import { type Compress, createMetadataWriter } from './metadata-writer.ts';
import { type Xattr, xattrPrefixes } from './xattrs.ts';

/** As Linux: XATTR_NAME_MAX and XATTR_SIZE_MAX. */
const maxNameBytes = 255;
const maxValueBytes = 65_536;

export type XattrEncoder = {
  /**
   * The number of the set of attributes, undefined for an empty one.
   * @throws SlipwayError `squashfs-not-encodable` for a name or value that squashfs, or Linux, can't have
   */
  readonly add: (xattrs: readonly Xattr[] | undefined) => number | undefined;
  /** The table, to be placed at `at` of the image, and what the superblock has of it; nothing without attributes. */
  readonly finish: (at: number) => { readonly bytes: Buffer; readonly start: number | undefined };
};

export function createXattrEncoder(compress: Compress): XattrEncoder {
  const sets = createMetadataWriter(compress);
  const numbers = new Map<string, number>();
  const records: Buffer[] = [];
  return {
    add(xattrs) {
      if (xattrs === undefined || xattrs.length === 0) return undefined;
      const encoded = Buffer.concat(sorted(xattrs).map(encodeXattr));
      const key = encoded.toString('latin1');
      const known = numbers.get(key);
      if (known !== undefined) return known;
      const { block, offset } = sets.position();
      const record = Buffer.allocUnsafe(16);
      record.writeBigUInt64LE(BigInt(packReference(block, offset)), 0);
      record.writeUInt32LE(xattrs.length, 8);
      record.writeUInt32LE(encoded.length, 12);
      sets.append(encoded);
      records.push(record);
      numbers.set(key, records.length - 1);
      return records.length - 1;
    },
    finish(at) {
      if (records.length === 0) return { bytes: Buffer.alloc(0), start: undefined };
      const values = sets.finish().bytes;
      const ids = createMetadataWriter(compress);
      for (const record of records) ids.append(record);
      const { bytes: idBytes, blocks } = ids.finish();
      const start = at + values.length + idBytes.length;
      const header = Buffer.alloc(16);
      header.writeBigUInt64LE(BigInt(at), 0);
      header.writeUInt32LE(records.length, 8);
      const offsets = encodeOffsets(blocks, at + values.length);
      return { bytes: Buffer.concat([values, idBytes, header, offsets]), start };
    },
  };
}

function sorted(xattrs: readonly Xattr[]): readonly Xattr[] {
  return xattrs.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

function encodeXattr({ name, value }: Xattr): Buffer {
  const type = xattrPrefixes.findIndex((prefix) => name.startsWith(prefix));
  const prefix = xattrPrefixes[type];
  const fail = (reason: string): never => {
    throw new SlipwayError('squashfs-not-encodable', { what: `the extended attribute ${name}`, reason });
  };
  if (prefix === undefined) return fail('only user., trusted. and security. can be stored');
  const rest = Buffer.from(name.slice(prefix.length), 'latin1');
  if (rest.length === 0 || name.length > maxNameBytes) fail(`its name has ${name.length} bytes`);
  if (value.length > maxValueBytes) fail(`its value has ${value.length} bytes`);
  const head = Buffer.allocUnsafe(4);
  head.writeUInt16LE(type, 0);
  head.writeUInt16LE(rest.length, 2);
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32LE(value.length, 0);
  return Buffer.concat([head, rest, size, value]);
}
