// SPDX-License-Identifier: Apache-2.0
// Listings to bytes: see directory.ts.
import {
  directoryEntrySizeBytes,
  directoryHeaderSizeBytes,
  type DirectoryEntry,
  maxEntriesPerHeader,
} from './directory.ts';
import { inodeKinds, unpackReference } from './inode.ts';
import { metadataBlockSizeBytes } from './metadata-reader.ts';
import type { MetadataWriter } from './metadata-writer.ts';

/** A header that a search can start from: its offset in the listing, the block that has it, its first name. */
export type DirectoryIndexEntry = { readonly listingOffset: number; readonly block: number; readonly name: Buffer };

export type EncodedListing = {
  readonly block: number;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly index: readonly DirectoryIndexEntry[];
};

/** An entry's inode number is stored as a signed 16-bit difference to its header's. */
const maxNumberDelta = 0x7fff;

/**
 * Appends the listing of `entries`, which are sorted by name, and says where it is. A header is begun anew where the
 * entries' inodes lie in another block or too far apart in number, and at least every 8 KiB, for the index.
 */
export function appendListing(table: MetadataWriter, entries: readonly DirectoryEntry[]): EncodedListing {
  const start = table.position();
  const index: DirectoryIndexEntry[] = [];
  let lengthBytes = 0;
  let indexedBytes = 0;

  let first = 0;
  for (let head = entries[0]; head !== undefined; head = entries[first]) {
    let roomBytes = metadataBlockSizeBytes - (lengthBytes - indexedBytes);
    if (directoryHeaderSizeBytes + entryBytes(head) > roomBytes) {
      index.push({ listingOffset: lengthBytes, block: table.position().block, name: head.name });
      indexedBytes = lengthBytes;
      roomBytes = metadataBlockSizeBytes;
    }
    const end = endOfRun(entries, first, roomBytes);
    const run = encodeRun(entries.slice(first, end));
    table.append(run);
    lengthBytes += run.length;
    first = end;
  }
  return { ...start, lengthBytes, index };
}

/** The number behind the last entry that can share a header with `entries[first]` in `roomBytes`. */
function endOfRun(entries: readonly DirectoryEntry[], first: number, roomBytes: number): number {
  const head = entries[first];
  if (head === undefined) return first;
  const { block } = unpackReference(head.reference);
  let bytes = directoryHeaderSizeBytes;
  let end = first;
  for (let entry: DirectoryEntry | undefined = head; entry !== undefined; entry = entries[end]) {
    bytes += entryBytes(entry);
    if (bytes > roomBytes || unpackReference(entry.reference).block !== block) break;
    if (Math.abs(entry.inodeNumber - head.inodeNumber) > maxNumberDelta) break;
    end += 1;
    if (end - first === maxEntriesPerHeader) break;
  }
  return end;
}

function entryBytes(entry: DirectoryEntry): number {
  return directoryEntrySizeBytes + entry.name.length;
}

function encodeRun(entries: readonly DirectoryEntry[]): Buffer {
  const [head] = entries;
  if (head === undefined) return Buffer.alloc(0);
  const namesBytes = entries.reduce((sum, { name }) => sum + name.length, 0);
  const bytes = Buffer.allocUnsafe(directoryHeaderSizeBytes + entries.length * directoryEntrySizeBytes + namesBytes);
  bytes.writeUInt32LE(entries.length - 1, 0);
  bytes.writeUInt32LE(unpackReference(head.reference).block, 4);
  bytes.writeUInt32LE(head.inodeNumber, 8);
  let at = directoryHeaderSizeBytes;
  for (const { name, kind, inodeNumber, reference } of entries) {
    bytes.writeUInt16LE(unpackReference(reference).offset, at);
    bytes.writeInt16LE(inodeNumber - head.inodeNumber, at + 2);
    bytes.writeUInt16LE(inodeKinds.indexOf(kind) + 1, at + 4);
    bytes.writeUInt16LE(name.length - 1, at + 6);
    name.copy(bytes, at + 8);
    at += directoryEntrySizeBytes + name.length;
  }
  return bytes;
}
