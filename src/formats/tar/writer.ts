// SPDX-License-Identifier: Apache-2.0
// Tar headers as POSIX pax and ustar define them: plain ustar where its fields suffice, and before it a pax header
// with what they don't hold. No archive is written here, only its parts: header, then content and padding by the
// caller, then `tarEnd`.
import {
  type TarEntry,
  type TarEntryType,
  blankEntry,
  blockBytes,
  maxPathBytes,
  maxPaxBytes,
  paddingAfter,
} from './entry.ts';
import { sealHeaderBlock } from './header.ts';
import { formatPaxTime, maxOctal, writeOctal } from './numbers.ts';
import { formatPaxRecord } from './pax.ts';

const typeflags: Readonly<Record<TarEntryType, string>> = {
  'file': '0',
  'hardlink': '1',
  'symlink': '2',
  'character-device': '3',
  'block-device': '4',
  'directory': '5',
  'fifo': '6',
};
const paxName = Buffer.from('PaxHeaders/entry');

/** The two zero blocks that close an archive. */
export const tarEnd: Buffer = Buffer.alloc(2 * blockBytes);

/**
 * The header blocks of an entry. A directory's path gets the slash that marks it where it has none.
 * @throws RangeError on what no reader would take: a path beyond maxPathBytes, attributes beyond maxPaxBytes.
 */
export function encodeTarHeader(entry: TarEntry): Buffer {
  const needsSlash = entry.type === 'directory' && entry.path.at(-1) !== 0x2f;
  const path = needsSlash ? Buffer.concat([entry.path, Buffer.from('/')]) : entry.path;
  if (path.length > maxPathBytes || path.length === 0 || entry.linkTarget.length > maxPathBytes) {
    throw new RangeError('a tar entry has a path that is empty or too long');
  }
  const records: Buffer[] = [];
  const text = (key: string, value: number | string): void => {
    records.push(formatPaxRecord(key, Buffer.from(String(value))));
  };
  const split = splitPath(path);
  if (split === undefined) records.push(formatPaxRecord('path', path));
  if (entry.linkTarget.length > 100) records.push(formatPaxRecord('linkpath', entry.linkTarget));
  if (entry.sizeBytes > maxOctal(12)) text('size', entry.sizeBytes);
  if (entry.uid > maxOctal(8)) text('uid', entry.uid);
  if (entry.gid > maxOctal(8)) text('gid', entry.gid);
  const needsTime = entry.mtimeNsec !== 0 || entry.mtimeSec < 0 || entry.mtimeSec > maxOctal(12);
  if (needsTime) text('mtime', formatPaxTime(entry.mtimeSec, entry.mtimeNsec));
  for (const [name, value] of entry.xattrs) records.push(formatPaxRecord(`SCHILY.xattr.${name}`, value));

  const header = Buffer.allocUnsafe(blockBytes).fill(0);
  const { prefix, name } = split ?? { prefix: undefined, name: path.subarray(0, 100) };
  fill(header, entry, typeflags[entry.type], entry.sizeBytes);
  name.copy(header, 0, 0, 100);
  prefix?.copy(header, 345);
  entry.linkTarget.copy(header, 157, 0, 100);
  sealHeaderBlock(header);
  return records.length === 0 ? header : Buffer.concat([encodePax(entry, records), header]);
}

/**
 * The single block of a regular file's header, so that one can be put where a block was left free before the file's
 * length was known. Lengths from 8 GiB on are written as GNU and Go do.
 * @throws RangeError on a path that ustar has no room for
 */
export function encodeFileHeader(path: Buffer, sizeBytes: number): Buffer {
  const split = splitPath(path);
  if (split === undefined) throw new RangeError('a path is too long for one header block');
  const header = Buffer.alloc(blockBytes);
  fill(header, { ...plainFile, path }, typeflags.file, sizeBytes);
  if (sizeBytes > maxOctal(12)) {
    header[124] = 0x80;
    header.fill(0, 125, 128);
    header.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  split.name.copy(header, 0);
  split.prefix?.copy(header, 345);
  sealHeaderBlock(header);
  return header;
}

const plainFile: Omit<TarEntry, 'path'> = { ...blankEntry, type: 'file', mode: 0o644 };

function encodePax(entry: TarEntry, records: readonly Buffer[]): Buffer {
  const body = Buffer.concat(records);
  if (body.length > maxPaxBytes) throw new RangeError('a tar entry has too many attributes');
  const header = Buffer.alloc(blockBytes);
  fill(header, entry, 'x', body.length);
  paxName.copy(header, 0);
  sealHeaderBlock(header);
  return Buffer.concat([header, body, Buffer.alloc(paddingAfter(body.length))]);
}

/** Everything but names and checksum; numbers that don't fit are 0, as a pax record overrides them. */
function fill(header: Buffer, entry: TarEntry, typeflag: string, sizeBytes: number): void {
  writeOctal(header, 100, 8, entry.mode);
  writeOctal(header, 108, 8, fitting(entry.uid, 8));
  writeOctal(header, 116, 8, fitting(entry.gid, 8));
  writeOctal(header, 124, 12, fitting(sizeBytes, 12));
  writeOctal(header, 136, 12, fitting(entry.mtimeSec, 12));
  header.write(typeflag, 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  writeOctal(header, 329, 8, fitting(entry.devMajor, 8));
  writeOctal(header, 337, 8, fitting(entry.devMinor, 8));
}

function fitting(value: number, length: number): number {
  return value >= 0 && value <= maxOctal(length) ? value : 0;
}

/** The path in ustar's two fields, or undefined where it does not fit: it divides only at a slash. */
function splitPath(path: Buffer): { readonly prefix: Buffer | undefined; readonly name: Buffer } | undefined {
  if (path.length <= 100) return { prefix: undefined, name: path };
  if (path.length > 256) return undefined;
  // The slash of a directory must stay with its name, or the name would be empty.
  const slash = path.lastIndexOf(0x2f, Math.min(155, path.length - 2));
  if (slash < 1 || path.length - slash - 1 > 100) return undefined;
  return { prefix: path.subarray(0, slash), name: path.subarray(slash + 1) };
}
