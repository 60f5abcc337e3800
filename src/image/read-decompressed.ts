// SPDX-License-Identifier: Apache-2.0
// Bytes, decompressed as their first ones say: gzip and zstd in this process, xz and bzip2 by the system's programs, which
// Node has no decoder for. Nothing is written anywhere.
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { type Compression, compressionStartBytes, detectCompression } from '../formats/compression/index.ts';
import { createZstdFrameSplitter } from '../formats/zstd/index.ts';
import { hasCode, SlipwayError } from '../model/index.ts';
import { type ByteRange, readFileChunks, readFileStart } from '../sys/file-chunks.ts';
import { findProgram, withChild, writeTo } from '../sys/process.ts';

export type DecompressOptions = {
  readonly signal: AbortSignal;
} & (
  | {
      /** For messages: whose bytes they are. */
      readonly name: string;
      /** Directories, colon-separated, in which xz and bzip2 are looked for. */
      readonly searchPath: string;
    }
  /** The error for what takes a program. */
  | { readonly refuse: (compression: 'xz' | 'bzip2') => Error }
);

/** Thrown through a pipeline to end it early: one that merely stops reading is reported as broken. */
const enough = new Error('the rest is not wanted');
/** Node's default of 16 KiB halves the speed of decompression: each chunk is a trip to the thread pool. */
const chunkBytes = 1024 * 1024;
/** Windows beyond this are refused by zstd's own tools as well, unless asked with --long. */
const maxWindowLog = 27;

/**
 * Feeds the decompressed bytes to `consume`, waiting for it, until it answers false or all is read.
 * @throws SlipwayError `zstd-malformed`, `archive-unreadable` (by xz and bzip2), `program-missing`; the errors of
 *   node:zlib, which `inArchive` gives a name; what reading and `consume` throw
 */
export async function readDecompressed(
  stored: AsyncIterable<Buffer>,
  options: DecompressOptions,
  consume: (chunk: Buffer) => boolean | Promise<boolean>,
): Promise<void> {
  const { signal } = options;
  const chunks = stored[Symbol.asyncIterator]();
  const consumeAll = async (bytes: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of bytes) {
      signal.throwIfAborted();
      if (!(await consume(chunk))) throw enough;
    }
  };
  try {
    const start = await firstBytes(chunks);
    const whole = restOf(start, chunks);
    const compression = detectCompression(start);
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
      case 'xz':
      case 'bzip2':
        if ('refuse' in options) throw options.refuse(compression);
        await readThroughProgram(compression, whole, options, consumeAll);
        return;
      default:
        compression satisfies never;
    }
  } catch (error) {
    if (error === enough) return;
    signal.throwIfAborted();
    throw error;
  } finally {
    await chunks.return?.();
  }
}

/** A file, or a part of one. */
export type StoredFile = { readonly path: string; readonly range?: ByteRange };

/** A file's bytes as they are stored. */
export function storedChunks({ path, range }: StoredFile, signal: AbortSignal): AsyncIterable<Buffer> {
  return readFileChunks(path, { chunkBytes, signal, ...(range === undefined ? {} : { range }) });
}

/** How a file is compressed. */
export async function compressionOf({ path, range }: StoredFile): Promise<Compression> {
  const count = Math.min(compressionStartBytes, range?.lengthBytes ?? compressionStartBytes);
  return detectCompression(await readFileStart(path, count, range?.startBytes));
}

/** The error as it concerns an archive: what tar and the decompressors report becomes `archive-unreadable`. */
export function inArchive(path: string, error: unknown): unknown {
  if (hasCode(error, 'tar-malformed', 'zstd-malformed')) {
    return new SlipwayError('archive-unreadable', { path, reason: error.message }, { cause: error });
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof Error && typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_ZLIB)/.test(code)) {
    const reason = `its compressed data are damaged: ${error.message}`;
    return new SlipwayError('archive-unreadable', { path, reason }, { cause: error });
  }
  return error;
}

/** As many chunks as it takes to know the compression, as one. */
async function firstBytes(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < compressionStartBytes) {
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

const packages = { xz: 'xz-utils', bzip2: 'bzip2' } as const;

async function readThroughProgram(
  program: 'xz' | 'bzip2',
  stored: AsyncIterable<Buffer>,
  options: { readonly name: string; readonly searchPath: string; readonly signal: AbortSignal },
  consumeAll: (bytes: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const { name, searchPath, signal } = options;
  const found = await findProgram(program, searchPath);
  if (found === undefined) {
    const task = `decompress ${name}`;
    throw new SlipwayError('program-missing', { task, program, searchPath, package: packages[program] });
  }
  const { end } = await withChild({ argv: [found, '-d', '-c'], stdout: 'pipe', signal }, async (child) => {
    const feed = async (): Promise<void> => {
      try {
        for await (const chunk of stored) await writeTo(child.stdin, chunk);
        child.stdin.end();
      } catch (error) {
        // A program that gives up closes its input; its last words, not the broken pipe, say why.
        if (!isBrokenPipe(error)) throw error;
      }
    };
    await Promise.all([feed(), consumeAll((child.stdout ?? []) as AsyncIterable<Buffer>)]);
  });
  if (end.status === 0) return;
  const reason = `its compressed data are damaged: ${end.stderrTail === '' ? `${program} gave up` : end.stderrTail}`;
  throw new SlipwayError('archive-unreadable', { path: name, reason });
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}

async function* framesOf(stored: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const splitter = createZstdFrameSplitter();
  for await (const chunk of stored) yield* splitter.push(chunk);
  splitter.end();
}
