// SPDX-License-Identifier: Apache-2.0
// Blocks through xz: Node has neither encoder nor decoder of it. A process for each block takes some milliseconds, which is
// little beside what xz itself takes for 128 KiB; who wants speed takes zstd.
//
// Linux has a decoder whose dictionary is as large as a block, and knows no checksum but CRC-32 (or none).
import type { Compress, Decompress } from '../../formats/squashfs/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { findProgram } from '../../sys/process.ts';
import { runFilter } from '../../sys/run-filter.ts';
import { runProgram } from '../../sys/run-program.ts';
import type { Compressor } from './block-compressor.ts';

type XzCompressor = Extract<Compressor, { readonly compression: 'xz' }>;

/** Metadata are compressed in blocks of so much. */
const metadataBytes = 8192;
/** What a stream has beside its data, and more. */
const overheadBytes = 4096;
/** A block takes less than a second; a machine may be slow. */
const timeoutMs = 600_000;

/**
 * The compressor, with the xz of this machine.
 * @param searchPath directories, colon-separated
 * @throws SlipwayError `program-missing`
 */
export async function xzCompressor(level: number, searchPath: string): Promise<Compressor> {
  const program = await findProgram('xz', searchPath);
  if (program === undefined) {
    const task = 'write a squashfs with xz';
    throw new SlipwayError('program-missing', { task, program: 'xz', searchPath, package: 'xz-utils' });
  }
  return { compression: 'xz', level, program };
}

/** Compresses one block after the other; `close` ends what is under way. */
export function xzWorker(
  compressor: XzCompressor,
  blockSizeBytes: number,
): { readonly compress: (block: Buffer) => Promise<Buffer>; readonly close: () => void } {
  const closing = new AbortController();
  const argv = compressing(compressor, blockSizeBytes);
  return {
    async compress(block) {
      const { exitStatus, output } = await runProgram({
        argv,
        environment: { LC_ALL: 'C' },
        input: block,
        maxOutputBytes: block.length + overheadBytes,
        timeoutMs,
        signal: closing.signal,
      });
      if (exitStatus === 0) return output;
      const reason = `ended with status ${exitStatus}`;
      throw new SlipwayError('program-failed', { task: 'compress a block', program: 'xz', reason });
    },
    close: () => closing.abort(),
  };
}

export function xzMetadataCompressor(compressor: XzCompressor): Compress {
  const argv = compressing(compressor, metadataBytes);
  return (block) => runFilter(argv, block, block.length + overheadBytes);
}

/** @param program the absolute path of xz */
export function xzDecompressor(program: string): Decompress {
  return (stored, maxBytes) => runFilter([program, '-d', '-c'], stored, maxBytes);
}

function compressing({ program, level }: XzCompressor, dictionaryBytes: number): readonly [string, ...string[]] {
  const filter = `--lzma2=preset=${level},dict=${dictionaryBytes}`;
  return [program, '--format=xz', '--check=crc32', '--threads=1', filter, '-c'];
}
