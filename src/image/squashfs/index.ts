// SPDX-License-Identifier: Apache-2.0
// Making squashfs images ourselves: contents are compressed as they come, the tree is written at the end.
export { type BlockCompressor, type Compressor, createBlockCompressor } from './block-compressor.ts';
export type { ContentWriter } from './content-writer.ts';
export { createSquashfsWriter, type SquashfsWriter, type SquashfsWriterOptions } from './writer.ts';
export { createPackWriter, openPack, type Pack } from './pack-file.ts';
export { cellBytes } from './cell-checksums.ts';
export { xzCompressor, xzDecompressor } from './xz.ts';
