// SPDX-License-Identifier: Apache-2.0
// Inodes: fourteen record types, a basic and an extended one for each kind of file. The extended one has what rarely
// is needed: extended attributes, an index over a long directory, hard links to and 64-bit sizes of a file.
import { damaged } from './damaged.ts';
import type { MetadataPosition, MetadataReader, MetadataTable } from './metadata-reader.ts';

/** On-disk numbers of the basic types: a directory entry has these, an extended inode seven more. */
export const inodeKinds = [
  'directory',
  'file',
  'symlink',
  'block-device',
  'character-device',
  'fifo',
  'socket',
] as const;
export type InodeKind = (typeof inodeKinds)[number];
export const extendedInodeOffset = 7;

/** In place of an index: there is none. */
export const noFragment = 0xffff_ffff;
export const noXattrs = 0xffff_ffff;
/** Added to a directory's listing for `.` and `..`, which it does not have. */
export const directorySizeExtra = 3;
// As Linux: a longer target fits into no page, and nothing could follow it.
const maxSymlinkTargetBytes = 4096;

type InodeCommon = {
  /** Identity in this image: where the inode is stored. */
  readonly reference: number;
  /** Shared by hard links. */
  readonly inodeNumber: number;
  /** Permission bits with setuid, setgid and sticky: 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly nlink: number;
  /** As stat shows it: of a directory, its listing's length on disk; of a symlink, its target's. */
  readonly sizeBytes: number;
  readonly xattrIndex: number | undefined;
};
export type DirectoryInode = InodeCommon & {
  readonly kind: 'directory';
  readonly parentInodeNumber: number;
  readonly listing: { readonly block: number; readonly offset: number; readonly lengthBytes: number };
  /** Where the index over the listing is, and its entries. */
  readonly index: { readonly position: Readonly<MetadataPosition>; readonly count: number };
};
export type FileInode = InodeCommon & {
  readonly kind: 'file';
  /** Where the first data block is; the others follow it without a gap. */
  readonly firstBlock: number;
  /** Which fragment block has the file's tail, and at which of its bytes. */
  readonly fragment: { readonly index: number; readonly offset: number } | undefined;
  readonly blockCount: number;
  /** Of the list of block sizes, in the inode table. */
  readonly blockList: Readonly<MetadataPosition>;
};
export type SymlinkInode = InodeCommon & { readonly kind: 'symlink'; readonly target: Buffer };
export type DeviceInode = InodeCommon & {
  readonly kind: 'block-device' | 'character-device';
  readonly major: number;
  readonly minor: number;
};
export type PipeInode = InodeCommon & { readonly kind: 'fifo' | 'socket' };
export type Inode = DirectoryInode | FileInode | SymlinkInode | DeviceInode | PipeInode;

/** A place in a table as inodes and directories write it: block relative to the table's start, and offset in it. */
export function packReference(block: number, offset: number): number {
  return block * 0x1_0000 + offset;
}

export function unpackReference(reference: number): MetadataPosition {
  return { block: Math.floor(reference / 0x1_0000), offset: reference % 0x1_0000 };
}

export type InodeContext = {
  readonly image: string;
  readonly metadata: MetadataReader;
  readonly inodeTable: MetadataTable;
  readonly blockSizeBytes: number;
  readonly inodeCount: number;
  /** The uid or gid with this index. */
  readonly idAt: (index: number) => number;
};

/**
 * Reads the inode at `reference`.
 * @throws SlipwayError `squashfs-damaged`
 */
export function readInode(context: InodeContext, reference: number): Inode {
  const { metadata, inodeTable, image } = context;
  const relative = unpackReference(reference);
  const position: MetadataPosition = { block: inodeTable.start + relative.block, offset: relative.offset };
  const startBlock = position.block;
  const fail = (reason: string): never =>
    damaged(image, `inode ${relative.block}:${relative.offset}`, startBlock, reason);
  const take = (length: number): Buffer => metadata.take(inodeTable, position, length);

  const head = take(16);
  const type = head.readUInt16LE(0);
  const isExtended = type > extendedInodeOffset;
  const kind =
    inodeKinds[(isExtended ? type - extendedInodeOffset : type) - 1] ?? fail(`type ${type} is none of the fourteen`);
  const inodeNumber = head.readUInt32LE(12);
  if (inodeNumber === 0 || inodeNumber > context.inodeCount) {
    fail(`number ${inodeNumber} is not between 1 and ${context.inodeCount}`);
  }
  const common = {
    reference,
    inodeNumber,
    mode: head.readUInt16LE(2) & 0o7777,
    uid: context.idAt(head.readUInt16LE(4)),
    gid: context.idAt(head.readUInt16LE(6)),
    mtimeSec: head.readUInt32LE(8),
  };

  switch (kind) {
    case 'directory': {
      const body = take(isExtended ? 24 : 16);
      const fields = isExtended
        ? {
            nlink: body.readUInt32LE(0),
            sizeBytes: body.readUInt32LE(4),
            block: body.readUInt32LE(8),
            parentInodeNumber: body.readUInt32LE(12),
            count: body.readUInt16LE(16),
            offset: body.readUInt16LE(18),
            xattrIndex: xattrIndexOf(body.readUInt32LE(20)),
          }
        : {
            block: body.readUInt32LE(0),
            nlink: body.readUInt32LE(4),
            sizeBytes: body.readUInt16LE(8),
            offset: body.readUInt16LE(10),
            parentInodeNumber: body.readUInt32LE(12),
            count: 0,
            xattrIndex: undefined,
          };
      const { nlink, sizeBytes, parentInodeNumber, xattrIndex, block, offset, count } = fields;
      const lengthBytes = Math.max(0, sizeBytes - directorySizeExtra);
      return {
        ...common,
        kind,
        nlink,
        sizeBytes,
        xattrIndex,
        parentInodeNumber,
        listing: { block, offset, lengthBytes },
        index: { position: { ...position }, count },
      };
    }
    case 'file': {
      const body = take(isExtended ? 40 : 16);
      const size = isExtended ? body.readBigUInt64LE(8) : BigInt(body.readUInt32LE(12));
      const start = isExtended ? body.readBigUInt64LE(0) : BigInt(body.readUInt32LE(0));
      if (size > BigInt(Number.MAX_SAFE_INTEGER) || start > BigInt(Number.MAX_SAFE_INTEGER)) {
        fail(`a file of ${size} bytes at ${start}`);
      }
      const sizeBytes = Number(size);
      const fragmentIndex = body.readUInt32LE(isExtended ? 28 : 4);
      const offset = body.readUInt32LE(isExtended ? 32 : 8);
      const fragment = fragmentIndex === noFragment ? undefined : { index: fragmentIndex, offset };
      const blocks = sizeBytes / context.blockSizeBytes;
      return {
        ...common,
        kind,
        nlink: isExtended ? body.readUInt32LE(24) : 1,
        sizeBytes,
        xattrIndex: isExtended ? xattrIndexOf(body.readUInt32LE(36)) : undefined,
        firstBlock: Number(start),
        fragment,
        blockCount: fragment === undefined ? Math.ceil(blocks) : Math.floor(blocks),
        blockList: { ...position },
      };
    }
    case 'symlink': {
      const body = take(8);
      const nlink = body.readUInt32LE(0);
      const sizeBytes = body.readUInt32LE(4);
      if (sizeBytes === 0 || sizeBytes > maxSymlinkTargetBytes) fail(`a symbolic link of ${sizeBytes} bytes`);
      const target = take(sizeBytes);
      if (target.includes(0)) fail('a symbolic link with a NUL byte');
      const xattrIndex = isExtended ? xattrIndexOf(take(4).readUInt32LE(0)) : undefined;
      return { ...common, kind, nlink, sizeBytes, target, xattrIndex };
    }
    case 'block-device':
    case 'character-device': {
      const body = take(isExtended ? 12 : 8);
      // The kernel's encoding in 32 bits: 12 bits of major between the low 8 and the high 12 of minor.
      const device = body.readUInt32LE(4);
      return {
        ...common,
        kind,
        nlink: body.readUInt32LE(0),
        sizeBytes: 0,
        xattrIndex: isExtended ? xattrIndexOf(body.readUInt32LE(8)) : undefined,
        major: (device >>> 8) & 0xfff,
        minor: (device & 0xff) | ((device >>> 12) & 0xfff00),
      };
    }
    case 'fifo':
    case 'socket': {
      const body = take(isExtended ? 8 : 4);
      return {
        ...common,
        kind,
        nlink: body.readUInt32LE(0),
        sizeBytes: 0,
        xattrIndex: isExtended ? xattrIndexOf(body.readUInt32LE(4)) : undefined,
      };
    }
    default:
      return kind satisfies never;
  }
}

function xattrIndexOf(stored: number): number | undefined {
  return stored === noXattrs ? undefined : stored;
}
