// SPDX-License-Identifier: Apache-2.0
// Inodes to bytes: see inode.ts. The basic record where it has room for everything, else the extended one.
import type { DirectoryIndexEntry } from './encode-directory.ts';
import { directorySizeExtra, extendedInodeOffset, inodeKinds, noFragment, noXattrs } from './inode.ts';
import type { PlacedContent, TreeDevice, TreeDirectory, TreeFile, TreeNode, TreePipe, TreeSymlink } from './tree.ts';

/** What the encoding of the whole tree knows about an inode, beside what its maker said. */
export type InodeFacts = {
  readonly inodeNumber: number;
  readonly nlink: number;
  readonly uidIndex: number;
  readonly gidIndex: number;
  readonly xattrIndex: number | undefined;
};
export type DirectoryFacts = InodeFacts & {
  readonly parentInodeNumber: number;
  readonly listing: { readonly block: number; readonly offset: number; readonly lengthBytes: number };
  readonly index: readonly DirectoryIndexEntry[];
};

const uint16Max = 0xffff;
const uint32Max = 0xffff_ffff;

export function encodeDirectoryInode(node: TreeDirectory, facts: DirectoryFacts): Buffer {
  const { listing, index, xattrIndex } = facts;
  const sizeBytes = listing.lengthBytes + directorySizeExtra;
  if (sizeBytes <= uint16Max && index.length === 0 && xattrIndex === undefined) {
    const bytes = startInode(node, facts, false, 32);
    bytes.writeUInt32LE(listing.block, 16);
    bytes.writeUInt32LE(facts.nlink, 20);
    bytes.writeUInt16LE(sizeBytes, 24);
    bytes.writeUInt16LE(listing.offset, 26);
    bytes.writeUInt32LE(facts.parentInodeNumber, 28);
    return bytes;
  }
  const bytes = startInode(node, facts, true, 40);
  bytes.writeUInt32LE(facts.nlink, 16);
  bytes.writeUInt32LE(sizeBytes, 20);
  bytes.writeUInt32LE(listing.block, 24);
  bytes.writeUInt32LE(facts.parentInodeNumber, 28);
  // A directory with more is searched from the last one on.
  const usableIndex = index.slice(0, uint16Max);
  bytes.writeUInt16LE(usableIndex.length, 32);
  bytes.writeUInt16LE(listing.offset, 34);
  bytes.writeUInt32LE(xattrIndex ?? noXattrs, 36);
  return Buffer.concat([bytes, ...usableIndex.map(encodeIndexEntry)]);
}

export function encodeFileInode(
  node: TreeFile,
  content: PlacedContent,
  facts: InodeFacts & { readonly blockSizeBytes: number },
): Buffer {
  const { sizeBytes, sizeWords, fragment } = content;
  const isStored = Array.from(sizeWords).some((word) => word !== 0);
  const firstBlock = isStored ? content.firstBlock : 0;
  const sparseBytes = countSparseBytes(content, facts.blockSizeBytes);
  const isBasic =
    facts.nlink === 1 &&
    facts.xattrIndex === undefined &&
    sparseBytes === 0 &&
    sizeBytes <= uint32Max &&
    firstBlock <= uint32Max;
  const headBytes = isBasic ? 32 : 56;
  const bytes = startInode(node, facts, !isBasic, headBytes + 4 * sizeWords.length);
  if (isBasic) {
    bytes.writeUInt32LE(firstBlock, 16);
    bytes.writeUInt32LE(fragment?.index ?? noFragment, 20);
    bytes.writeUInt32LE(fragment?.offset ?? 0, 24);
    bytes.writeUInt32LE(sizeBytes, 28);
  } else {
    bytes.writeBigUInt64LE(BigInt(firstBlock), 16);
    bytes.writeBigUInt64LE(BigInt(sizeBytes), 24);
    bytes.writeBigUInt64LE(BigInt(sparseBytes), 32);
    bytes.writeUInt32LE(facts.nlink, 40);
    bytes.writeUInt32LE(fragment?.index ?? noFragment, 44);
    bytes.writeUInt32LE(fragment?.offset ?? 0, 48);
    bytes.writeUInt32LE(facts.xattrIndex ?? noXattrs, 52);
  }
  for (let index = 0; index < sizeWords.length; index++) {
    bytes.writeUInt32LE(sizeWords[index] ?? 0, headBytes + 4 * index);
  }
  return bytes;
}

/** An inode of any other kind. */
export function encodeSmallInode(node: TreeSymlink | TreeDevice | TreePipe, facts: InodeFacts): Buffer {
  const isExtended = facts.xattrIndex !== undefined;
  const body = encodeSmallBody(node);
  const bytes = startInode(node, facts, isExtended, 20 + body.length + (isExtended ? 4 : 0));
  bytes.writeUInt32LE(facts.nlink, 16);
  body.copy(bytes, 20);
  if (facts.xattrIndex !== undefined) bytes.writeUInt32LE(facts.xattrIndex, 20 + body.length);
  return bytes;
}

function encodeSmallBody(node: TreeSymlink | TreeDevice | TreePipe): Buffer {
  switch (node.kind) {
    case 'symlink': {
      const body = Buffer.allocUnsafe(4 + node.target.length);
      body.writeUInt32LE(node.target.length, 0);
      node.target.copy(body, 4);
      return body;
    }
    case 'block-device':
    case 'character-device': {
      const body = Buffer.allocUnsafe(4);
      const device = (node.minor & 0xff) | ((node.major & 0xfff) << 8) | ((node.minor & 0xfff00) << 12);
      body.writeUInt32LE(device >>> 0, 0);
      return body;
    }
    case 'fifo':
    case 'socket':
      return Buffer.alloc(0);
    default:
      return node satisfies never;
  }
}

/** `lengthBytes` zeros with an inode's common head. */
function startInode(node: TreeNode, facts: InodeFacts, isExtended: boolean, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  const type = inodeKinds.indexOf(node.kind) + 1 + (isExtended ? extendedInodeOffset : 0);
  bytes.writeUInt16LE(type, 0);
  bytes.writeUInt16LE(node.mode & 0o7777, 2);
  bytes.writeUInt16LE(facts.uidIndex, 4);
  bytes.writeUInt16LE(facts.gidIndex, 6);
  bytes.writeUInt32LE(Math.min(Math.max(Math.floor(node.mtimeSec), 0), uint32Max), 8);
  bytes.writeUInt32LE(facts.inodeNumber, 12);
  return bytes;
}

/** What stat's blocks do not count. The last block of a file may be short. */
function countSparseBytes(content: PlacedContent, blockSizeBytes: number): number {
  const { sizeWords, sizeBytes } = content;
  let sparse = 0;
  for (let index = 0; index < sizeWords.length; index++) {
    if (sizeWords[index] === 0) sparse += Math.min(blockSizeBytes, sizeBytes - index * blockSizeBytes);
  }
  return sparse;
}

function encodeIndexEntry(entry: DirectoryIndexEntry): Buffer {
  const bytes = Buffer.allocUnsafe(12 + entry.name.length);
  bytes.writeUInt32LE(entry.listingOffset, 0);
  bytes.writeUInt32LE(entry.block, 4);
  bytes.writeUInt32LE(entry.name.length - 1, 8);
  entry.name.copy(bytes, 12);
  return bytes;
}
