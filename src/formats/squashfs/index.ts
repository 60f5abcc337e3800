// SPDX-License-Identifier: Apache-2.0
// Squashfs 4.0, the image format: reading any image, and the encoding of our own.
export { openSquashfs, type LookupOptions, type SquashfsImage, type SquashfsSource } from './reader.ts';
export type { DirectoryEntry } from './directory.ts';
export type { DeviceInode, DirectoryInode, FileInode, Inode, InodeKind, PipeInode, SymlinkInode } from './inode.ts';
export { checkIntegrity, type IntegrityProgress } from './check-integrity.ts';
export { builtinDecompressors, type Decompress, type Decompressors } from './decompress.ts';
export type { ReadAt } from './metadata-reader.ts';
export type { Resolved } from './resolve-path.ts';
export { type Compression, compressionNames, type Superblock } from './superblock.ts';
export type { Xattr } from './xattrs.ts';
export { type EncodedImage, encodeTree, type ImageLayout } from './encode-tree.ts';
export { compressLz4Block } from './lz4-encode.ts';
export { encodeCompressorOptions } from './compressor-options.ts';
export { storedLengthOf, type StoredBlock, uncompressedDataBit } from './data-blocks.ts';
export type { Compress } from './metadata-writer.ts';
export { isBlockSize, superblockSizeBytes } from './superblock.ts';
export type {
  PlacedContent,
  TreeDevice,
  TreeDirectory,
  TreeEntry,
  TreeFile,
  TreeNode,
  TreePipe,
  TreeSymlink,
} from './tree.ts';
