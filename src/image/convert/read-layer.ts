// SPDX-License-Identifier: Apache-2.0
// A layer's blob as the tar archive in it. The first bytes say how it is compressed; media types are often wrong.
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { createZstdFrameSplitter } from '../../formats/zstd/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { readFileChunks, readFileStart } from '../../sys/file-chunks.ts';
import type { LayerFile } from '../types.ts';
import { inLayer } from './layer-errors.ts';

/** Thrown through a pipeline to end it early: one that merely stops reading is reported as broken. */
const enough = new Error('the rest is not wanted');
/** Node's default of 16 KiB halves the speed of decompression: each chunk is a trip to the thread pool. */
const chunkBytes = 1024 * 1024;
/** Windows beyond this are refused by zstd's own tools as well, unless asked with --long. */
const maxWindowLog = 27;

/**
 * Feeds the uncompressed archive to `consume`, chunk by chunk, waiting for it, until it answers false or all is read.
 * @throws SlipwayError `layer-unreadable` on damaged or unknown compression; what reading and `consume` throw.
 */
export async function readLayer(
  layer: LayerFile,
  signal: AbortSignal,
  consume: (chunk: Buffer) => boolean | Promise<boolean>,
): Promise<void> {
  try {
    const compression = compressionOf(layer, await readFileStart(layer.path, 10));
    const blob = readFileChunks(layer.path, { chunkBytes, signal });
    const consumeAll = async (archive: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of archive) {
        signal.throwIfAborted();
        if (!(await consume(chunk))) throw enough;
      }
    };
    switch (compression) {
      case 'none':
        await consumeAll(blob);
        return;
      case 'gzip':
        await pipeline(blob, createGunzip({ chunkSize: chunkBytes }), consumeAll, { signal });
        return;
      case 'zstd': {
        const params = { [constants.ZSTD_d_windowLogMax]: maxWindowLog };
        await pipeline(framesOf(blob), createZstdDecompress({ chunkSize: chunkBytes, params }), consumeAll, { signal });
        return;
      }
      default:
        compression satisfies never;
    }
  } catch (error) {
    if (error === enough) return;
    signal.throwIfAborted();
    throw inLayer(layer, error);
  }
}

function compressionOf(layer: LayerFile, start: Buffer): 'none' | 'gzip' | 'zstd' {
  const begins = (...bytes: readonly number[]): boolean => bytes.every((byte, index) => start[index] === byte);
  if (begins(0x1f, 0x8b)) return 'gzip';
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  // A skippable frame, with which zstd files may begin.
  if (((start[0] ?? 0) & 0xf0) === 0x50 && start.subarray(1, 4).equals(Buffer.from([0x2a, 0x4d, 0x18]))) return 'zstd';
  for (const [name, magic] of [
    ['bzip2', /^BZh[1-9]1AY&SY/],
    ['xz', /^\xfd7zXZ\0/],
  ] as const) {
    if (magic.test(start.toString('latin1'))) {
      throw new SlipwayError('layer-unreadable', {
        layer: layer.digest,
        reason: `it is compressed with ${name}; layers are gzip, zstd or plain tar`,
      });
    }
  }
  return 'none';
}

async function* framesOf(blob: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const splitter = createZstdFrameSplitter();
  for await (const chunk of blob) yield* splitter.push(chunk);
  splitter.end();
}
