// SPDX-License-Identifier: Apache-2.0
// How the blocks of an image are decompressed. Nothing here reads or writes: node:zlib's synchronous functions are
// computation.
import { constants, inflateSync, zstdDecompressSync } from 'node:zlib';
import { SlipwayError } from '../../model/index.ts';
import { decompressLz4Block } from './lz4-block.ts';
import { type Compression, maxBlockSizeBytes } from './superblock.ts';

/** Decompresses one block; throws anything when it is malformed or has more than `maxBytes` decompressed. */
export type Decompress = (input: Buffer, maxBytes: number) => Buffer;
export type Decompressors = Readonly<Partial<Record<Compression, Decompress>>>;

// A frame says itself how much window its decoder must allocate: no writer needs more than the largest block.
const zstdWindowLogMax = Math.log2(maxBlockSizeBytes);

/** gzip (zlib streams), zstd and lz4: what Node and this folder bring along. */
export const builtinDecompressors: Decompressors = {
  gzip: (input, maxBytes) => inflateSync(input, { maxOutputLength: maxBytes, chunkSize: chunkSize(maxBytes) }),
  lz4: decompressLz4Block,
  zstd: (input, maxBytes) =>
    zstdDecompressSync(input, {
      maxOutputLength: maxBytes,
      chunkSize: chunkSize(maxBytes),
      params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax },
    }),
};

/** The decompressor of `compression`. @throws SlipwayError `squashfs-compression-unsupported` */
export function decompressorOf(compression: Compression, decompressors: Decompressors, image: string): Decompress {
  const decompress = decompressors[compression];
  if (decompress === undefined) throw new SlipwayError('squashfs-compression-unsupported', { image, compression });
  return decompress;
}

// One byte more than the output lets zlib see that it is at the end without a second buffer.
function chunkSize(maxBytes: number): number {
  return Math.max(maxBytes, 1024) + 1;
}
