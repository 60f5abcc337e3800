// SPDX-License-Identifier: Apache-2.0
// Squashfs 4.0, the image format: reading any image, and the encoding of our own.
export { openSquashfs, type SquashfsImage } from './reader.ts';
export type { FileInode, Inode } from './inode.ts';
export { checkIntegrity } from './check-integrity.ts';
export { builtinDecompressors, type Decompress, type Decompressors } from './decompress.ts';
export type { Resolved } from './resolve-path.ts';
export { type Compression, compressionNames } from './superblock.ts';
export type { Xattr } from './xattrs.ts';
export { encodeTree, type ImageLayout } from './encode-tree.ts';
export { compressLz4Block } from './lz4-encode.ts';
export { encodeCompressorOptions } from './compressor-options.ts';
export { storedLengthOf, type StoredBlock, uncompressedDataBit } from './data-blocks.ts';
export type { Compress } from './metadata-writer.ts';
export { isBlockSize, superblockSizeBytes } from './superblock.ts';
export type { PlacedContent, TreeDirectory, TreeEntry, TreeNode } from './tree.ts';
