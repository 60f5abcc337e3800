// SPDX-License-Identifier: Apache-2.0
// Compresses blocks beside the main thread, a few at a time: in Node's thread pool, with lz4 in threads of our own, with xz in
// processes.
//
// A compression context costs more to set up than a block to compress (zstd level 3, blocks of 128 KiB: 1.49 s of CPU
// for 160 MiB with a context each, 0.95 s with contexts that are kept). node:zlib keeps one in a stream, and a stream
// whose every write is flushed as the end of a frame gives one frame for each write.
import { constants, createZstdCompress, deflate, type ZstdCompress, zstdCompressSync, deflateSync } from 'node:zlib';
import { promisify } from 'node:util';
import {
  builtinDecompressors,
  type Compress,
  compressLz4Block,
  type Decompressors,
} from '../../formats/squashfs/index.ts';
import { createByteThread } from '../../sys/byte-thread.ts';
import { xzDecompressor, xzMetadataCompressor, xzWorker } from './xz.ts';

export type Compressor =
  | {
      readonly compression: 'zstd' | 'gzip' | 'lz4';
      /** 1 to 22 for zstd, 1 to 9 for gzip; lz4 has none, and 0 stands for that. */
      readonly level: number;
    }
  | {
      readonly compression: 'xz';
      /** 0 to 9. */
      readonly level: number;
      /** The absolute path of xz. */
      readonly program: string;
    };

export type BlockCompressor = {
  /** How many blocks may be handed over before one has to wait. */
  readonly underWay: number;
  readonly compression: Compressor['compression'];
  /** What decompresses what is compressed here. */
  readonly decompressors: Decompressors;
  /**
   * Compresses a block where it is: gives the beginning of `block` with the compressed bytes in it, or, where these
   * would not be fewer, `block` itself. `block` must not change before. The result depends on nothing but the block.
   */
  readonly compress: (block: Buffer) => Promise<Buffer>;
  readonly close: () => void;
};

// zstd works without its own buffers when it has the whole block and room enough for the result, which is 8 % faster.
// But it splits a block of more than 128 KiB otherwise then, and whether there is room enough depends on the blocks
// before. So there is either always room enough, nearly, or never.
const largestUnsplitBytes = 128 * 1024;
const roomyChunkBytes = 512 * 1024;

export function createBlockCompressor(
  compressor: Compressor,
  options: { readonly blockSizeBytes: number; readonly parallelism: number },
): BlockCompressor {
  // More than can be compressed at once, so that a thread that is done finds the next block even while the main thread is
  // busy with other things (1.8 GB at zstd 3 on two cores: 6.2 s with two, 5.0 s with eight). Slow levels need no such
  // reserve, and their contexts much memory.
  const { parallelism } = options;
  const isQuick = compressor.level <= 9 && isPooled(compressor);
  const count = isQuick ? Math.min(4 * parallelism, Math.max(parallelism, 16)) : parallelism + 1;
  const all: Worker[] = [];
  const idle: Worker[] = [];
  const waiting: ((worker: Worker) => void)[] = [];

  function addWorker(): Worker | undefined {
    if (all.length === count) return undefined;
    const worker = createWorker(compressor, options.blockSizeBytes);
    all.push(worker);
    return worker;
  }

  async function compress(block: Buffer): Promise<Buffer> {
    const worker = idle.pop() ?? addWorker() ?? (await new Promise<Worker>((resolve) => waiting.push(resolve)));
    try {
      return await worker.compress(block);
    } finally {
      const next = waiting.shift();
      if (next === undefined) idle.push(worker);
      else next(worker);
    }
  }

  return {
    compression: compressor.compression,
    decompressors:
      compressor.compression === 'xz'
        ? { ...builtinDecompressors, xz: xzDecompressor(compressor.program) }
        : builtinDecompressors,
    compress,
    underWay: count,
    close: () => {
      for (const worker of all) worker.close();
    },
  };
}

/** Whether Node's own threads do it, so that having more under way than there are processors costs next to nothing. */
function isPooled({ compression }: Compressor): boolean {
  return compression === 'zstd' || compression === 'gzip';
}

/** For metadata, which is compressed block by block where it is made. */
export function metadataCompressor(compressor: Compressor): Compress {
  const { level } = compressor;
  switch (compressor.compression) {
    case 'zstd':
      return (block) =>
        zstdCompressSync(block, {
          pledgedSrcSize: block.length,
          params: { [constants.ZSTD_c_compressionLevel]: level },
        });
    case 'gzip':
      return (block) => deflateSync(block, { level });
    case 'lz4':
      return compressLz4Block;
    case 'xz':
      return xzMetadataCompressor(compressor);
    default:
      return compressor satisfies never;
  }
}

type Worker = { readonly compress: (block: Buffer) => Promise<Buffer>; readonly close: () => void };

function createWorker(compressor: Compressor, blockSizeBytes: number): Worker {
  const { level } = compressor;
  switch (compressor.compression) {
    case 'zstd':
      return createZstdWorker(level, blockSizeBytes);
    case 'gzip': {
      const deflateBlock = promisify<Buffer, { level: number; chunkSize: number }, Buffer>(deflate);
      return {
        compress: async (block) =>
          putInto(block, [await deflateBlock(block, { level, chunkSize: largestUnsplitBytes })]),
        close: () => undefined,
      };
    }
    case 'lz4': {
      const { turn, close } = createByteThread('lz4-thread', import.meta.url);
      return { compress: async (block) => putInto(block, [await turn(block)]), close };
    }
    case 'xz': {
      const { compress, close } = xzWorker(compressor, blockSizeBytes);
      return { compress: async (block) => putInto(block, [await compress(block)]), close };
    }
    default:
      return compressor satisfies never;
  }
}

function createZstdWorker(level: number, blockSizeBytes: number): Worker {
  const stream: ZstdCompress = createZstdCompress({
    flush: constants.ZSTD_e_end,
    chunkSize: blockSizeBytes <= largestUnsplitBytes ? roomyChunkBytes : largestUnsplitBytes,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      // Linux sets aside a window of one block and refuses a frame that asks for more.
      [constants.ZSTD_c_windowLog]: Math.log2(blockSizeBytes),
    },
  });
  let parts: Buffer[] = [];
  /** What the stream writes its output to, until it is full. */
  let room: ArrayBuffer | undefined;
  const collect = (): void => {
    for (let part = takeFrom(stream); part !== null; part = takeFrom(stream)) parts.push(part);
  };
  // A stream whose output is not fetched stops; the rest is there when the write is called done.
  stream.on('readable', collect);
  // The write's callback has it too; without a listener it would end the process.
  stream.on('error', () => undefined);
  return {
    compress: (block) =>
      new Promise((resolve, reject) => {
        stream.write(block, (error) => {
          collect();
          if (error) reject(error);
          // Nothing, to squashfs, is a block of zeros.
          else if (parts.length === 0) reject(new Error('zstd gave no frame for a block'));
          else resolve(putInto(block, parts));
          for (const { buffer } of parts) {
            if (buffer === room || !(buffer instanceof ArrayBuffer)) continue;
            // Nobody looks at the one before any more. Left to the garbage collector these would bring on a collection
            // of the whole heap for each few dozen blocks (a tenth of all CPU); a transfer to no room frees it at once.
            room?.transfer(0);
            room = buffer;
          }
          parts = [];
        });
      }),
    close: () => stream.destroy(),
  };
}

/** The beginning of `block`, with the parts in it; where they are not shorter, the block as it is. */
function putInto(block: Buffer, parts: readonly Buffer[]): Buffer {
  const lengthBytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (lengthBytes >= block.length) return block;
  let at = 0;
  for (const part of parts) at += part.copy(block, at);
  return block.subarray(0, at);
}

function takeFrom(stream: ZstdCompress): Buffer | null {
  return stream.read() as Buffer | null;
}
