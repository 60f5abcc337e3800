// SPDX-License-Identifier: Apache-2.0
// A layer's blob as the tar archive in it. The first bytes say how it is compressed; media types are often wrong.
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { createZstdFrameSplitter } from '../../formats/zstd/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { inLayer } from './layer-errors.ts';

/** Node's default of 16 KiB halves the speed of decompression: each chunk is a trip to the thread pool. */
const chunkBytes = 1024 * 1024;
/** Windows beyond this are refused by zstd's own tools as well, unless asked with --long. */
const maxWindowLog = 27;
const magicBytes = 10;

/**
 * Feeds the uncompressed archive to `consume`, chunk by chunk, waiting for it.
 * @param name of the layer, for errors
 * @throws SlipwayError `layer-unreadable` on damaged or unknown compression; what reading and `consume` throw.
 */
export async function readLayer(
  name: string,
  blob: AsyncIterable<Buffer>,
  context: { readonly signal: AbortSignal; readonly consume: (chunk: Buffer) => Promise<void> },
): Promise<void> {
  const { signal, consume } = context;
  const chunks = blob[Symbol.asyncIterator]();
  try {
    const start = await firstBytes(chunks);
    const compression = compressionOf(name, start);
    const consumeAll = async (archive: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of archive) {
        signal.throwIfAborted();
        await consume(chunk);
      }
    };
    const whole = restOf(start, chunks);
    switch (compression) {
      case 'none':
        await consumeAll(whole);
        return;
      case 'gzip':
        await pipeline(whole, createGunzip({ chunkSize: chunkBytes }), consumeAll, { signal });
        return;
      case 'zstd': {
        const params = { [constants.ZSTD_d_windowLogMax]: maxWindowLog };
        await pipeline(framesOf(whole), createZstdDecompress({ chunkSize: chunkBytes, params }), consumeAll, {
          signal,
        });
        return;
      }
      default:
        compression satisfies never;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw inLayer(name, error);
  } finally {
    await chunks.return?.();
  }
}

/** As many chunks as it takes to know the compression, as one. */
async function firstBytes(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < magicBytes) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  return start;
}

async function* restOf(start: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
}

function compressionOf(layer: string, start: Buffer): 'none' | 'gzip' | 'zstd' {
  const begins = (...bytes: readonly number[]): boolean => bytes.every((byte, index) => start[index] === byte);
  if (begins(0x1f, 0x8b)) return 'gzip';
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  // A skippable frame, with which zstd files may begin.
  if (((start[0] ?? 0) & 0xf0) === 0x50 && start.subarray(1, 4).equals(Buffer.from([0x2a, 0x4d, 0x18]))) return 'zstd';
  for (const [name, magic] of [
    ['bzip2', /^BZh[1-9]1AY&SY/],
    ['xz', /^\xfd7zXZ\0/],
  ] as const) {
    if (magic.test(start.toString('latin1', 0, magicBytes))) {
      throw new SlipwayError('layer-unreadable', {
        layer,
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
