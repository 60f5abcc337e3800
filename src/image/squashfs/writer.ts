// SPDX-License-Identifier: Apache-2.0
// Writes a squashfs image: contents first, as they arrive and in any order, then the tree that refers to them. The same
// contents in the same order and the same tree give the same bytes.
import {
  encodeCompressorOptions,
  encodeTree,
  type PlacedContent,
  superblockSizeBytes,
  type TreeDirectory,
} from '../../formats/squashfs/index.ts';
import { createUncachedFile } from '../../sys/uncached-file.ts';
import { type Compressor, createBlockCompressor, metadataCompressor } from './block-compressor.ts';
import { type ContentWriter, createContentWriter } from './content-writer.ts';
import { createDataArea } from './data-area.ts';

export type SquashfsWriterOptions = {
  /** Must not exist yet. What is there before `finish` has ended is no image. */
  readonly path: string;
  readonly compressor: Compressor;
  /** A power of two, 4 KiB to 1 MiB. */
  readonly blockSizeBytes: number;
  /** How many blocks are compressed at once. Node's thread pool has 4 threads unless UV_THREADPOOL_SIZE says otherwise. */
  readonly parallelism: number;
  readonly signal: AbortSignal;
};

export type SquashfsWriter = AsyncDisposable & {
  readonly contents: Omit<ContentWriter, 'finish'>;
  /**
   * Writes the tree, whose files' `content` are the numbers that `contents.end` gave. Not flushed to disk.
   * @param mkfsTimeSec when the image says it was made
   * @throws SlipwayError `squashfs-not-encodable`; what writing the file throws
   */
  readonly finish: (
    root: TreeDirectory,
    mkfsTimeSec: number,
  ) => Promise<{ readonly sizeBytes: number; readonly inodeCount: number }>;
};

/** Loop devices and block devices want whole pages. */
const paddedTo = 4096;

/**
 * Begins an image. Dispose of the writer in any case; an unfinished file is the caller's to remove.
 * @throws SlipwayError as `toFileError`
 */
export async function createSquashfsWriter(options: SquashfsWriterOptions): Promise<SquashfsWriter> {
  const { compressor, blockSizeBytes, signal } = options;
  signal.throwIfAborted();
  const compressorOptions = encodeCompressorOptions(compressor.compression, compressor.level);
  const file = await createUncachedFile(options.path);
  const blocks = createBlockCompressor(compressor, { blockSizeBytes, parallelism: options.parallelism });
  const area = createDataArea(file, superblockSizeBytes + compressorOptions.length);
  const { finish: finishContents, ...contents } = createContentWriter(area, blocks, {
    blockSizeBytes,
    signal,
  });

  return {
    contents,
    async finish(root, mkfsTimeSec) {
      const { contents: table, fragments } = await finishContents();
      signal.throwIfAborted();
      const placeOf = (content: number): PlacedContent => table.placeOf(content);
      const { superblock, tables, usedBytes, inodeCount } = encodeTree({
        root,
        placeOf,
        fragments,
        dataEnd: area.end(),
        blockSizeBytes,
        compression: compressor.compression,
        hasCompressorOptions: compressorOptions.length > 0,
        mkfsTimeSec,
        compress: metadataCompressor(compressor),
      });
      const sizeBytes = Math.ceil(usedBytes / paddedTo) * paddedTo;
      // Behind the end may be blocks that were taken back, and the padding is to be zeros.
      await file.truncate(area.end());
      await file.write(tables, area.end());
      await file.truncate(sizeBytes);
      // Last, so that a file that was cut short is not taken for an image.
      await file.write([superblock, compressorOptions], 0);
      await file.flush();
      return { sizeBytes, inodeCount };
    },
    async [Symbol.asyncDispose]() {
      blocks.close();
      await file.close();
    },
  };
}
