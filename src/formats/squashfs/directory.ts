// SPDX-License-Identifier: Apache-2.0
// Directories: a listing is a run of headers, each with up to 256 entries whose inodes lie in one metadata block. It is
// sorted by name as bytes; a long one has an index in its inode, by which a search can start near the name.
import { damaged } from './damaged.ts';
import { type DirectoryInode, type InodeKind, inodeKinds, packReference } from './inode.ts';
import {
  metadataBlockSizeBytes,
  type MetadataPosition,
  type MetadataReader,
  type MetadataTable,
} from './metadata-reader.ts';

export const directoryHeaderSizeBytes = 12;
export const directoryEntrySizeBytes = 8;
export const maxEntriesPerHeader = 256;
const maxNameBytes = 256;
/** Longer than the longest header with its entries. */
const scanChunkBytes = 128 * 1024;

export type DirectoryEntry = {
  readonly name: Buffer;
  readonly kind: InodeKind;
  readonly inodeNumber: number;
  /** Where the inode is: for `readInode`. */
  readonly reference: number;
};

export type DirectoryContext = {
  readonly image: string;
  readonly metadata: MetadataReader;
  readonly inodeTable: MetadataTable;
  readonly directoryTable: MetadataTable;
};

/**
 * The entries of `directory` in stored order.
 * @throws SlipwayError `squashfs-damaged`, also for a name that no file can have: empty, `.`, `..`, with `/` or NUL
 */
export function* readDirectory(context: DirectoryContext, directory: DirectoryInode): Generator<DirectoryEntry> {
  yield* readListing(context, directory, startOfListing(context, directory), 0);
}

/** The entry called `name`, or undefined. Like Linux it trusts the order: what is misplaced is not found. */
export function findEntry(
  context: DirectoryContext,
  directory: DirectoryInode,
  name: Buffer,
): DirectoryEntry | undefined {
  const { position, from, to } = searchIndex(context, directory, name);
  for (let listingOffset = from; listingOffset < to;) {
    const chunkBytes = Math.min(to - listingOffset, scanChunkBytes);
    const chunk = context.metadata.take(context.directoryTable, { ...position }, chunkBytes);
    const scan = scanHeaders(chunk, name);
    if (scan.state === 'found') return scan.entry;
    if (scan.state === 'absent') return undefined;
    // The chunk ends inside a header's entries: go on with that header. A chunk is longer than any header's entries, so
    // when none was scanned whole the listing is wrong.
    const isLast = listingOffset + chunkBytes === to;
    if (scan.scannedBytes === 0 || (isLast && scan.scannedBytes < chunkBytes)) {
      damaged(
        context.image,
        `the listing of directory inode ${directory.inodeNumber}`,
        position.block,
        'it has no end',
      );
    }
    context.metadata.take(context.directoryTable, position, scan.scannedBytes);
    listingOffset += scan.scannedBytes;
  }
  return undefined;
}

type Scan =
  | { readonly state: 'found'; readonly entry: DirectoryEntry }
  | { readonly state: 'absent' }
  | { readonly state: 'more'; readonly scannedBytes: number };

/**
 * Looks for `name` in `bytes`, which begin with a header; `scannedBytes` are those of the headers that were scanned whole.
 * This is the loop that a lookup in a long directory spends its time in, so it makes no buffers.
 */
function scanHeaders(bytes: Buffer, name: Buffer): Scan {
  let at = 0;
  let scannedBytes = 0;
  while (at + directoryHeaderSizeBytes <= bytes.length) {
    const count = bytes.readUInt32LE(at) + 1;
    const inodeBlock = bytes.readUInt32LE(at + 4);
    const baseNumber = bytes.readUInt32LE(at + 8);
    if (count > maxEntriesPerHeader) break;
    at += directoryHeaderSizeBytes;
    for (let index = 0; index < count; index++) {
      const nameAt = at + directoryEntrySizeBytes;
      if (nameAt > bytes.length) return { state: 'more', scannedBytes };
      const end = nameAt + bytes.readUInt16LE(at + 6) + 1;
      if (end > bytes.length) return { state: 'more', scannedBytes };
      const order = bytes.compare(name, 0, name.length, nameAt, end);
      if (order > 0) return { state: 'absent' };
      if (order === 0) {
        const kind = inodeKinds[bytes.readUInt16LE(at + 4) - 1];
        if (kind === undefined) return { state: 'more', scannedBytes: 0 };
        const inodeNumber = (baseNumber + bytes.readInt16LE(at + 2)) >>> 0;
        return {
          state: 'found',
          entry: { name, kind, inodeNumber, reference: packReference(inodeBlock, bytes.readUInt16LE(at)) },
        };
      }
      at = end;
    }
    scannedBytes = at;
  }
  return { state: 'more', scannedBytes };
}

function startOfListing(context: DirectoryContext, directory: DirectoryInode): MetadataPosition {
  return { block: context.directoryTable.start + directory.listing.block, offset: directory.listing.offset };
}

function* readListing(
  context: DirectoryContext,
  directory: DirectoryInode,
  position: MetadataPosition,
  listingOffset: number,
): Generator<DirectoryEntry> {
  const { metadata, directoryTable, image } = context;
  const { lengthBytes } = directory.listing;
  let done = listingOffset;
  const hasMore = (): boolean => done < lengthBytes;
  const fail = (reason: string): never =>
    damaged(image, `the listing of directory inode ${directory.inodeNumber}`, position.block, reason);
  const take = (length: number): Buffer => {
    done += length;
    if (done > lengthBytes) fail('it ends inside an entry');
    return metadata.take(directoryTable, position, length);
  };

  while (hasMore()) {
    const header = take(directoryHeaderSizeBytes);
    const count = header.readUInt32LE(0) + 1;
    if (count > maxEntriesPerHeader) fail(`a header with ${count} entries`);
    const inodeBlock = header.readUInt32LE(4);
    const baseNumber = header.readUInt32LE(8);
    for (let index = 0; index < count; index++) {
      const fixed = take(directoryEntrySizeBytes);
      const offset = fixed.readUInt16LE(0);
      const numberDelta = fixed.readInt16LE(2);
      const kind = inodeKinds[fixed.readUInt16LE(4) - 1] ?? fail(`an entry of type ${fixed.readUInt16LE(4)}`);
      const nameLength = fixed.readUInt16LE(6) + 1;
      if (nameLength > maxNameBytes) fail(`a name of ${nameLength} bytes`);
      const name = take(nameLength);
      if (!isFileName(name)) fail(`an entry called ${JSON.stringify(name.toString('latin1'))}`);
      yield {
        name,
        kind,
        inodeNumber: (baseNumber + numberDelta) >>> 0,
        reference: packReference(inodeBlock, offset),
      };
    }
  }
}

/** The part of the listing that `name` must be in: from the last index entry that does not come after it to the next. */
function searchIndex(
  context: DirectoryContext,
  directory: DirectoryInode,
  name: Buffer,
): { readonly position: MetadataPosition; readonly from: number; readonly to: number } {
  const { metadata, inodeTable, directoryTable, image } = context;
  const { lengthBytes } = directory.listing;
  const cursor: MetadataPosition = { ...directory.index.position };
  let position = startOfListing(context, directory);
  let from = 0;
  for (let index = 0; index < directory.index.count; index++) {
    const fixed = metadata.take(inodeTable, cursor, 12);
    const listingOffset = fixed.readUInt32LE(0);
    const block = fixed.readUInt32LE(4);
    const nameLength = fixed.readUInt32LE(8) + 1;
    if (nameLength > maxNameBytes || listingOffset < from || listingOffset > lengthBytes) {
      damaged(image, `the index of directory inode ${directory.inodeNumber}`, cursor.block, `entry ${index}`);
    }
    if (metadata.take(inodeTable, cursor, nameLength).compare(name) > 0) return { position, from, to: listingOffset };
    // An index entry points to a block of the listing; the header in question is as far into that block as the listing
    // says, because blocks are full.
    const offset = (directory.listing.offset + listingOffset) % metadataBlockSizeBytes;
    position = { block: directoryTable.start + block, offset };
    from = listingOffset;
  }
  return { position, from, to: lengthBytes };
}

function isFileName(name: Buffer): boolean {
  if (name.includes(0x2f) || name.includes(0)) return false;
  return !(name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e)));
}
