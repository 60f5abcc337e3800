// SPDX-License-Identifier: Apache-2.0
// The superblock of squashfs 4.0: 96 little-endian bytes at the start of the image that say where every table is.
// The format is what Linux reads: fs/squashfs/squashfs_fs.h and super.c, Documentation/filesystems/squashfs.rst.
import { SlipwayError } from '../../model/index.ts';
import { damaged } from './damaged.ts';

export const superblockSizeBytes = 96;
const minBlockSizeBytes = 4096;
export const maxBlockSizeBytes = 0x10_0000;

const magic = 0x73717368;
const maxTableOffset = Number.MAX_SAFE_INTEGER;
const absentTable = 0xffff_ffff_ffff_ffffn;

/** Whether data can be in blocks of this size: a power of two from 4 KiB to 1 MiB. */
export function isBlockSize(sizeBytes: number): boolean {
  return sizeBytes >= minBlockSizeBytes && sizeBytes <= maxBlockSizeBytes && Number.isInteger(Math.log2(sizeBytes));
}

/** What blocks can be compressed with, in the order of their identifiers: the first is 1. */
export const compressionNames = ['gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'] as const;
export type Compression = (typeof compressionNames)[number];

/** Bits of `flags`. Readers may ignore all of them: each fact is repeated where it matters. */
export const superblockFlags = {
  uncompressedInodes: 0x0001,
  uncompressedData: 0x0002,
  uncompressedFragments: 0x0008,
  noFragments: 0x0010,
  alwaysFragments: 0x0020,
  duplicatesRemoved: 0x0040,
  exportable: 0x0080,
  uncompressedXattrs: 0x0100,
  noXattrs: 0x0200,
  compressorOptions: 0x0400,
  uncompressedIds: 0x0800,
} as const;

/** Offsets are from the start of the image; a table that is not there is undefined. */
export type Superblock = {
  readonly inodeCount: number;
  readonly mkfsTimeSec: number;
  readonly blockSizeBytes: number;
  readonly fragmentCount: number;
  readonly compression: Compression;
  readonly flags: number;
  readonly idCount: number;
  /** Where the root directory's inode is: see `inodeReference`. */
  readonly rootInode: number;
  /** Length of the image; a file may be longer, for padding. */
  readonly usedBytes: number;
  readonly idTable: number;
  readonly xattrTable: number | undefined;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number | undefined;
  readonly exportTable: number | undefined;
};

/**
 * Reads and checks the superblock of a file of `sizeBytes`: version, block size, and tables that lie inside the image
 * in their order.
 * @throws SlipwayError `squashfs-unrecognized` for what is no squashfs 4.0, `squashfs-damaged` for one that can't be right
 */
export function parseSuperblock(bytes: Buffer, sizeBytes: number, image: string): Superblock {
  if (bytes.length < superblockSizeBytes) {
    throw new SlipwayError('squashfs-unrecognized', { image, reason: `${sizeBytes} bytes are too few for squashfs` });
  }
  if (bytes.readUInt32LE(0) !== magic) {
    throw new SlipwayError('squashfs-unrecognized', { image, reason: 'it does not start as a squashfs does' });
  }
  const major = bytes.readUInt16LE(28);
  const minor = bytes.readUInt16LE(30);
  if (major !== 4 || minor !== 0) {
    throw new SlipwayError('squashfs-unrecognized', { image, reason: `it is squashfs ${major}.${minor}, not 4.0` });
  }

  const fail = (offset: number, reason: string): never => damaged(image, 'the superblock', offset, reason);
  const table = (offset: number): number => {
    const value = bytes.readBigUInt64LE(offset);
    if (value > BigInt(maxTableOffset)) return fail(offset, `a table at ${value}`);
    return Number(value);
  };
  const optionalTable = (offset: number): number | undefined =>
    bytes.readBigUInt64LE(offset) === absentTable ? undefined : table(offset);

  const compression =
    compressionNames[bytes.readUInt16LE(20) - 1] ?? fail(20, `compression ${bytes.readUInt16LE(20)} is unknown`);
  const superblock: Superblock = {
    inodeCount: bytes.readUInt32LE(4),
    mkfsTimeSec: bytes.readUInt32LE(8),
    blockSizeBytes: bytes.readUInt32LE(12),
    fragmentCount: bytes.readUInt32LE(16),
    compression,
    flags: bytes.readUInt16LE(24),
    idCount: bytes.readUInt16LE(26),
    rootInode: table(32),
    usedBytes: table(40),
    idTable: table(48),
    xattrTable: optionalTable(56),
    inodeTable: table(64),
    directoryTable: table(72),
    fragmentTable: optionalTable(80),
    exportTable: optionalTable(88),
  };

  const blockLog = bytes.readUInt16LE(22);
  const { blockSizeBytes, usedBytes } = superblock;
  if (!isBlockSize(blockSizeBytes) || blockSizeBytes !== 2 ** blockLog) {
    fail(12, `a block size of ${blockSizeBytes} (2^${blockLog})`);
  }
  if (usedBytes > sizeBytes) fail(40, `the image should have ${usedBytes} bytes, the file has ${sizeBytes}`);
  if (superblock.idCount === 0) fail(26, 'no owner is listed');
  if (superblock.inodeTable < superblockSizeBytes) fail(64, 'the inode table overlaps the superblock');
  if (superblock.directoryTable < superblock.inodeTable) fail(72, 'the directory table precedes the inode table');
  for (const [offset, start] of [
    [48, superblock.idTable],
    [56, superblock.xattrTable],
    [80, superblock.fragmentTable],
    [88, superblock.exportTable],
  ] as const) {
    if (start !== undefined && (start < superblock.directoryTable || start > usedBytes)) {
      fail(offset, `a table at ${start}, outside ${superblock.directoryTable} to ${usedBytes}`);
    }
  }
  return superblock;
}

/** The 96 bytes of `superblock`. */
export function encodeSuperblock(superblock: Superblock): Buffer {
  const bytes = Buffer.alloc(superblockSizeBytes);
  const table = (value: number | undefined, offset: number): void => {
    bytes.writeBigUInt64LE(value === undefined ? absentTable : BigInt(value), offset);
  };
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(superblock.inodeCount, 4);
  bytes.writeUInt32LE(superblock.mkfsTimeSec, 8);
  bytes.writeUInt32LE(superblock.blockSizeBytes, 12);
  bytes.writeUInt32LE(superblock.fragmentCount, 16);
  bytes.writeUInt16LE(compressionNames.indexOf(superblock.compression) + 1, 20);
  bytes.writeUInt16LE(Math.log2(superblock.blockSizeBytes), 22);
  bytes.writeUInt16LE(superblock.flags, 24);
  bytes.writeUInt16LE(superblock.idCount, 26);
  bytes.writeUInt16LE(4, 28);
  table(superblock.rootInode, 32);
  table(superblock.usedBytes, 40);
  table(superblock.idTable, 48);
  table(superblock.xattrTable, 56);
  table(superblock.inodeTable, 64);
  table(superblock.directoryTable, 72);
  table(superblock.fragmentTable, 80);
  table(superblock.exportTable, 88);
  return bytes;
}
