// SPDX-License-Identifier: Apache-2.0
// A tree of files to everything of an image but its data: inodes, listings, tables, and the superblock. The same tree
// gives the same bytes. Inodes of one directory stand together, so that its listing needs few headers; the directories
// below it come first, because an inode of a directory says where its listing is.
import { SlipwayError } from '../../model/index.ts';
import { type StoredBlock } from './data-blocks.ts';
import type { DirectoryEntry } from './directory.ts';
import { appendListing, type EncodedListing } from './encode-directory.ts';
import { encodeDirectoryInode, encodeFileInode, encodeSmallInode, type InodeFacts } from './encode-inode.ts';
import { encodeRecordTable } from './encode-records.ts';
import { createXattrEncoder } from './encode-xattrs.ts';
import { packReference } from './inode.ts';
import { type Compress, createMetadataWriter } from './metadata-writer.ts';
import { type Compression, encodeSuperblock, superblockFlags } from './superblock.ts';
import type { PlacedContent, TreeDirectory, TreeEntry, TreeNode } from './tree.ts';

export type ImageLayout = {
  readonly root: TreeDirectory;
  /** Where the content with this number is. */
  readonly placeOf: (content: number) => PlacedContent;
  readonly fragments: readonly StoredBlock[];
  /** Where the data ends: the tables will be put there. */
  readonly dataEnd: number;
  readonly blockSizeBytes: number;
  readonly compression: Compression;
  /** Whether compressor options stand behind the superblock. */
  readonly hasCompressorOptions: boolean;
  readonly mkfsTimeSec: number;
  readonly compress: Compress;
};

export type EncodedImage = {
  /** For offset 0. */
  readonly superblock: Buffer;
  /** For `dataEnd`, in this order. The image ends behind them, but for padding to a multiple of 4 KiB. */
  readonly tables: readonly Buffer[];
  readonly usedBytes: number;
  readonly inodeCount: number;
};

const maxNameBytes = 255;
const maxTargetBytes = 4095;
const maxIds = 0x1_0000;
const maxInodes = 0xffff_fffe;

/** @throws SlipwayError `squashfs-not-encodable` for a name, link, attribute or number that squashfs has no room for */
export function encodeTree(layout: ImageLayout): EncodedImage {
  const { compress, blockSizeBytes, dataEnd } = layout;
  const inodes = createMetadataWriter(compress);
  const listings = createMetadataWriter(compress);
  const xattrs = createXattrEncoder(compress);
  const ids = createIdTable();
  const { inodeCount, linkCounts } = countInodes(layout.root);
  const references = new Float64Array(inodeCount + 1);
  const linkNumbers = new Map<number | string, number>();
  let lastNumber = 1;

  /** Encodes what is below a directory and its listing, but not its own inode, which belongs to its parent's run. */
  function encodeChildren(
    directory: TreeDirectory,
    inodeNumber: number,
  ): EncodedListing & { readonly subdirectories: number } {
    const entries = sortedEntries(directory);
    const numbers = entries.map(({ node }) => numberFor(node));
    const below = entries.map(({ node }, index) =>
      node.kind === 'directory' ? encodeChildren(node, numbers[index] ?? 0) : undefined,
    );
    const listed = entries.map(({ name, node }, index): DirectoryEntry => {
      const number = numbers[index] ?? 0;
      if (references[number] === 0) appendInode(node, number, inodeNumber, below[index]);
      return { name, kind: node.kind, inodeNumber: number, reference: (references[number] ?? 0) - 1 };
    });
    const subdirectories = below.filter((listing) => listing !== undefined).length;
    return { ...appendListing(listings, listed), subdirectories };
  }

  function numberFor(node: TreeNode): number {
    if (node.kind === 'directory' || node.link === undefined) return ++lastNumber;
    const known = linkNumbers.get(node.link);
    if (known !== undefined) return known;
    linkNumbers.set(node.link, ++lastNumber);
    return lastNumber;
  }

  function appendInode(
    node: TreeNode,
    inodeNumber: number,
    parentInodeNumber: number,
    listing: ReturnType<typeof encodeChildren> | undefined,
  ): void {
    const { block, offset } = inodes.position();
    // One more than the reference, so that 0 means "not yet".
    references[inodeNumber] = packReference(block, offset) + 1;
    const linkCount = node.kind === 'directory' || node.link === undefined ? 1 : (linkCounts.get(node.link) ?? 1);
    const facts: InodeFacts = {
      inodeNumber,
      nlink: linkCount,
      uidIndex: ids.indexOf(node.uid),
      gidIndex: ids.indexOf(node.gid),
      xattrIndex: xattrs.add(node.xattrs),
    };
    if (node.kind === 'directory') {
      if (listing === undefined) throw new Error('a directory without a listing');
      const nlink = 2 + listing.subdirectories;
      inodes.append(encodeDirectoryInode(node, { ...facts, nlink, parentInodeNumber, listing, index: listing.index }));
    } else if (node.kind === 'file') {
      inodes.append(encodeFileInode(node, layout.placeOf(node.content), { ...facts, blockSizeBytes }));
    } else {
      inodes.append(encodeSmallInode(node, facts));
    }
  }

  const rootListing = encodeChildren(layout.root, 1);
  // The root is in no directory; as mksquashfs has it, its parent's number is one that no inode has.
  appendInode(layout.root, 1, inodeCount + 1, rootListing);

  const inodeTable = inodes.finish().bytes;
  const directoryTable = listings.finish().bytes;
  const tables: Buffer[] = [inodeTable, directoryTable];
  let end = dataEnd + inodeTable.length + directoryTable.length;
  const place = ({ bytes, start }: { readonly bytes: Buffer; readonly start: number }): number => {
    tables.push(bytes);
    end += bytes.length;
    return start;
  };
  const fragmentTable =
    layout.fragments.length === 0
      ? undefined
      : place(encodeRecordTable(layout.fragments.map(encodeFragment), end, compress));
  const exportTable = place(encodeRecordTable([encodeReferences(references)], end, compress));
  const idTable = place(encodeRecordTable(ids.records(), end, compress));
  const xattrTable = xattrs.finish(end);
  tables.push(xattrTable.bytes);
  end += xattrTable.bytes.length;

  const superblock = encodeSuperblock({
    inodeCount,
    mkfsTimeSec: layout.mkfsTimeSec,
    blockSizeBytes,
    fragmentCount: layout.fragments.length,
    compression: layout.compression,
    flags:
      superblockFlags.exportable |
      superblockFlags.duplicatesRemoved |
      (layout.fragments.length === 0 ? superblockFlags.noFragments : 0) |
      (xattrTable.start === undefined ? superblockFlags.noXattrs : 0) |
      (layout.hasCompressorOptions ? superblockFlags.compressorOptions : 0),
    idCount: ids.count(),
    rootInode: (references[1] ?? 0) - 1,
    usedBytes: end,
    idTable,
    xattrTable: xattrTable.start,
    inodeTable: dataEnd,
    directoryTable: dataEnd + inodeTable.length,
    fragmentTable,
    exportTable,
  });
  return { superblock, tables, usedBytes: end, inodeCount };
}

/** Checks every name on the way. */
function countInodes(root: TreeDirectory): {
  readonly inodeCount: number;
  readonly linkCounts: ReadonlyMap<number | string, number>;
} {
  const linkCounts = new Map<number | string, number>();
  const open: TreeDirectory[] = [root];
  let inodeCount = 1;
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    for (const { name, node } of directory.children()) {
      checkEntry(name, node);
      if (node.kind === 'directory') open.push(node);
      else if (node.link !== undefined) {
        const count = (linkCounts.get(node.link) ?? 0) + 1;
        linkCounts.set(node.link, count);
        if (count > 1) continue;
      }
      inodeCount += 1;
    }
  }
  if (inodeCount > maxInodes) notEncodable('the tree', `it has ${inodeCount} files`);
  return { inodeCount, linkCounts };
}

function checkEntry(name: Buffer, node: TreeNode): void {
  if (name.length === 0 || name.length > maxNameBytes) notEncodable(shownName(name), `it has ${name.length} bytes`);
  if (name.includes(0) || name.includes(0x2f)) notEncodable(shownName(name), 'it has a slash or a NUL byte');
  if (name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e))) {
    notEncodable(shownName(name), 'every directory has it already');
  }
  if (node.kind === 'symlink' && (node.target.length === 0 || node.target.length > maxTargetBytes)) {
    notEncodable(`the link with ${shownName(name)}`, `its target has ${node.target.length} bytes`);
  }
}

function shownName(name: Buffer): string {
  return `the name ${JSON.stringify(name.toString())}`;
}

function sortedEntries(directory: TreeDirectory): readonly TreeEntry[] {
  const entries = [...directory.children()].sort((left, right) => left.name.compare(right.name));
  for (const [index, { name }] of entries.entries()) {
    if (entries[index + 1]?.name.equals(name) === true) {
      notEncodable(shownName(name), 'it is twice in a directory');
    }
  }
  return entries;
}

type IdTable = {
  readonly indexOf: (id: number) => number;
  readonly count: () => number;
  readonly records: () => Iterable<Buffer>;
};

function createIdTable(): IdTable {
  const indexes = new Map<number, number>();
  return {
    indexOf(id) {
      const known = indexes.get(id);
      if (known !== undefined) return known;
      if (indexes.size === maxIds - 1) notEncodable('the tree', `its files have more than ${maxIds - 1} owners`);
      indexes.set(id, indexes.size);
      return indexes.size - 1;
    },
    count: () => indexes.size,
    records: () =>
      [...indexes.keys()].map((id) => {
        const record = Buffer.allocUnsafe(4);
        record.writeUInt32LE(id, 0);
        return record;
      }),
  };
}

function encodeFragment({ start, sizeWord }: StoredBlock): Buffer {
  const record = Buffer.alloc(16);
  record.writeBigUInt64LE(BigInt(start), 0);
  record.writeUInt32LE(sizeWord, 8);
  return record;
}

/** The table by which an inode's number leads to its place, as one record. */
function encodeReferences(references: Float64Array): Buffer {
  const bytes = Buffer.allocUnsafe(8 * (references.length - 1));
  for (let number = 1; number < references.length; number++) {
    bytes.writeBigUInt64LE(BigInt((references[number] ?? 0) - 1), 8 * (number - 1));
  }
  return bytes;
}

function notEncodable(what: string, reason: string): never {
  throw new SlipwayError('squashfs-not-encodable', { what, reason });
}
