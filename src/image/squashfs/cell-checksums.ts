// SPDX-License-Identifier: Apache-2.0
// Checksums of a file's data, one for each cell of a fixed grid, made while the data are written. Writing goes forward
// but for what is taken back and written over; a cell that this leaves unknown is read once more at the end.
import { crc32 } from 'node:zlib';
import type { BlockFile } from '../../sys/block-file.ts';

/** Cells begin at multiples of this in the file. */
export const cellBytes: number = 1024 * 1024;

/** CRC-32, which tells of damage by disks and file systems; whoever may write packs may write images as well. */
export function checksumOf(cell: Buffer): number {
  return crc32(cell);
}

export type CellChecksums = {
  /** `file`, whose writes are noted. */
  readonly file: BlockFile;
  /** A checksum for each cell that has bytes before `end`; the first cell begins at `start`. */
  readonly finish: (end: number) => Promise<Uint32Array>;
};

export function withChecksums(file: BlockFile, start: number): CellChecksums {
  /** By cell; what is complete and certain. */
  const known: (number | undefined)[] = [];
  /** Where the next byte is expected, and the checksum of its cell so far: undefined while its beginning is unknown. */
  let position = start;
  let running: number | undefined = 0;

  function note(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const cell = Math.floor(position / cellBytes);
      const cellEnd = (cell + 1) * cellBytes;
      const piece = chunk.subarray(at, at + Math.min(chunk.length - at, cellEnd - position));
      if (running !== undefined) running = crc32(piece, running);
      at += piece.length;
      position += piece.length;
      if (position === cellEnd) {
        known[cell] = running;
        running = 0;
      }
    }
  }

  return {
    file: {
      ...file,
      async write(chunks, offset) {
        if (offset !== position) {
          known.length = Math.min(known.length, Math.floor(offset / cellBytes));
          running = offset === start || offset % cellBytes === 0 ? 0 : undefined;
          position = offset;
        }
        const written = file.write(chunks, offset);
        for (const chunk of chunks) note(chunk);
        await written;
      },
    },
    async finish(end) {
      const count = end > start ? Math.ceil(end / cellBytes) : 0;
      const checksums = new Uint32Array(count);
      for (let cell = 0; cell < count; cell++) {
        const from = Math.max(start, cell * cellBytes);
        const to = Math.min(end, (cell + 1) * cellBytes);
        const isRunning = position === end && to === end ? running : undefined;
        checksums[cell] = known[cell] ?? isRunning ?? checksumOf(await readWhole(file, from, to));
      }
      return checksums;
    },
  };
}

async function readWhole(file: BlockFile, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(to - from);
  if ((await file.read(bytes, from)) < bytes.length) throw new Error('a file became shorter while it was written');
  return bytes;
}
