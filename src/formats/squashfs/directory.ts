// SPDX-License-Identifier: Apache-2.0
// Directories: a listing is a run of headers, each with up to 256 entries whose inodes lie in one metadata block. It is
// sorted by name as bytes; a long one has an index in its inode, by which a search can start near the name.
import { damaged } from './damaged.ts';
import { type DirectoryInode, type InodeKind, inodeKinds, packReference } from './inode.ts';
import type { MetadataPosition, MetadataReader, MetadataTable } from './metadata-reader.ts';

export const directoryHeaderSizeBytes = 12;
export const directoryEntrySizeBytes = 8;
export const maxEntriesPerHeader = 256;
export const maxNameBytes = 256;

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
  const from = searchIndex(context, directory, name);
  for (const entry of readListing(context, directory, from.position, from.listingOffset)) {
    const order = entry.name.compare(name);
    if (order === 0) return entry;
    if (order > 0) return undefined;
  }
  return undefined;
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

/** Where in the listing to begin the search for `name`: at the last index entry that does not come after it. */
function searchIndex(
  context: DirectoryContext,
  directory: DirectoryInode,
  name: Buffer,
): { readonly position: MetadataPosition; readonly listingOffset: number } {
  const { metadata, inodeTable, directoryTable, image } = context;
  const cursor: MetadataPosition = { ...directory.index.position };
  let best = { position: startOfListing(context, directory), listingOffset: 0 };
  for (let index = 0; index < directory.index.count; index++) {
    const fixed = metadata.take(inodeTable, cursor, 12);
    const listingOffset = fixed.readUInt32LE(0);
    const block = fixed.readUInt32LE(4);
    const nameLength = fixed.readUInt32LE(8) + 1;
    if (nameLength > maxNameBytes || listingOffset > directory.listing.lengthBytes) {
      damaged(image, `the index of directory inode ${directory.inodeNumber}`, cursor.block, `entry ${index}`);
    }
    if (metadata.take(inodeTable, cursor, nameLength).compare(name) > 0) break;
    // An index entry points to a block of the listing; the header in question is as far into that block as the listing
    // says, because blocks are full.
    const offset = (directory.listing.offset + listingOffset) % 8192;
    best = { position: { block: directoryTable.start + block, offset }, listingOffset };
  }
  return best;
}

function isFileName(name: Buffer): boolean {
  if (name.includes(0x2f) || name.includes(0)) return false;
  return !(name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e)));
}
