// SPDX-License-Identifier: Apache-2.0
// Compression of a stream, in pieces that are compressed side by side on Node's thread pool and follow one another in
// their order: members of gzip (RFC 1952, 2.2) and frames of zstd (RFC 8878, 3.1), of which every reader takes many.
// The same bytes in the same pieces give the same result, however fast each piece is. xz and bzip2 are the system's programs.
import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import type { Compression } from '../../formats/compression/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { findProgram, withChild, writeTo } from '../../sys/process.ts';
import { createCommitQueue } from '../squashfs/commit-queue.ts';

export type CompressOptions = {
  readonly compression: Compression;
  /** Threads of xz. */
  readonly threads: number;
  readonly searchPath: string;
  readonly signal: AbortSignal;
};

type Write = (chunk: Buffer) => Promise<void>;

const gzipPiece = promisify(gzip);
const zstdPiece = promisify(zstdCompress);
/** Larger pieces compress hardly better: gzip looks back 32 KiB, zstd at level 3 2 MiB. */
const pieceBytes = { gzip: 1024 * 1024, zstd: 4 * 1024 * 1024 } as const;
const maxBytesUnderWay = 32 * 1024 * 1024;
const gzipLevel = 6;
const zstdLevel = 3;

/**
 * Runs `produce` with a function that takes uncompressed bytes; their compressed form goes to `write`, in order, all
 * of it when this resolves. `write` must have taken the bytes when it resolves.
 * @throws SlipwayError `program-missing`, `program-failed`; what `produce` and `write` throw
 */
export async function compressInto(
  write: Write,
  options: CompressOptions,
  produce: (write: Write) => Promise<void>,
): Promise<void> {
  const { compression } = options;
  switch (compression) {
    case 'none':
      await produce(write);
      return;
    case 'gzip':
    case 'zstd':
      await compressHere(compression, write, produce);
      return;
    case 'xz':
    case 'bzip2':
      await compressThere(compression, write, options, produce);
      return;
    default:
      compression satisfies never;
  }
}

async function compressHere(
  compression: 'gzip' | 'zstd',
  write: Write,
  produce: (write: Write) => Promise<void>,
): Promise<void> {
  const queue = createCommitQueue(maxBytesUnderWay);
  const size = pieceBytes[compression];
  let piece = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  let pieces = 0;
  const submit = (): void => {
    const bytes = piece.subarray(0, filled);
    piece = Buffer.allocUnsafeSlow(size);
    filled = 0;
    pieces += 1;
    const compressed =
      compression === 'gzip'
        ? gzipPiece(bytes, { level: gzipLevel })
        : zstdPiece(bytes, {
            params: { [constants.ZSTD_c_compressionLevel]: zstdLevel, [constants.ZSTD_c_checksumFlag]: 1 },
          });
    queue.add(bytes.length, compressed, write);
  };
  await produce(async (chunk) => {
    for (let at = 0; at < chunk.length;) {
      const count = chunk.copy(piece, filled, at, Math.min(chunk.length, at + size - filled));
      at += count;
      filled += count;
      if (filled < size) continue;
      submit();
      await queue.drain();
    }
  });
  if (filled > 0 || pieces === 0) submit();
  await queue.finish();
}

const packages = { xz: 'xz-utils', bzip2: 'bzip2' } as const;

async function compressThere(
  program: 'xz' | 'bzip2',
  write: Write,
  { searchPath, signal, threads }: CompressOptions,
  produce: (write: Write) => Promise<void>,
): Promise<void> {
  const task = `compress with ${program}`;
  const path = await findProgram(program, searchPath);
  if (path === undefined) {
    throw new SlipwayError('program-missing', { task, program, searchPath, package: packages[program] });
  }
  const argv = [path, '-c', ...(program === 'xz' ? [`-T${threads}`] : [])] as const;
  const { end } = await withChild({ argv, stdout: 'pipe', signal }, async (child) => {
    const collect = async (): Promise<void> => {
      for await (const chunk of (child.stdout ?? []) as AsyncIterable<Buffer>) await write(chunk);
    };
    const feed = async (): Promise<void> => {
      await produce((chunk) => writeTo(child.stdin, chunk));
      child.stdin.end();
    };
    await Promise.all([collect(), feed()]);
  });
  if (end.status === 0) return;
  const reason = `ended with status ${end.status}: ${end.stderrTail}`;
  throw new SlipwayError('program-failed', { task, program, reason });
}
