// SPDX-License-Identifier: Apache-2.0
// What a compressor was told, behind the superblock. Readers decompress without it; `unsquashfs -s` shows it.
import { encodeMetadataBlock } from './metadata-writer.ts';

/** The block of options; empty where they are the ones that squashfs-tools takes for granted. */
export function encodeCompressorOptions(compression: 'gzip' | 'lz4' | 'xz' | 'zstd', level: number): Buffer {
  switch (compression) {
    case 'zstd': {
      if (level === 15) return Buffer.alloc(0);
      const options = Buffer.allocUnsafe(4);
      options.writeUInt32LE(level, 0);
      return encodeMetadataBlock(options, (block) => block);
    }
    case 'gzip': {
      if (level === 9) return Buffer.alloc(0);
      // Level, window of 2^15, and no strategy beside the default.
      const options = Buffer.alloc(8);
      options.writeUInt32LE(level, 0);
      options.writeUInt16LE(15, 4);
      return encodeMetadataBlock(options, (block) => block);
    }
    case 'lz4': {
      // Version 1 of the format, which readers want to be told; not the slow method, whose flag is 1.
      const options = Buffer.alloc(8);
      options.writeUInt32LE(1, 0);
      return encodeMetadataBlock(options, (block) => block);
    }
    case 'xz':
      // A dictionary of one block, and no filter for machine code.
      return Buffer.alloc(0);
    default:
      return compression satisfies never;
  }
}
