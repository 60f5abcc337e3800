// SPDX-License-Identifier: Apache-2.0
// Stretches of a pack's blocks, as they are stored: copied into an image, or compared with what is in it.
import { createBufferPool } from './buffer-pool.ts';
import { cellBytes } from './cell-checksums.ts';
import type { DataArea } from './data-area.ts';
import { damaged } from './pack-damaged.ts';
import type { Pack } from './pack-file.ts';

export type Extent = { readonly start: number; readonly end: number };

export type CopyTarget = {
  readonly area: DataArea;
  readonly signal: AbortSignal;
  /** Told of stored bytes as they are copied. */
  readonly copied?: (bytes: number) => void;
};

/** In order, neighbours made one. */
export function joined(extents: readonly Extent[]): Extent[] {
  const result: Extent[] = [];
  for (const extent of extents.toSorted((left, right) => left.start - right.start)) {
    const last = result.at(-1);
    if (last?.end === extent.start) result[result.length - 1] = { start: last.start, end: extent.end };
    else result.push(extent);
  }
  return result;
}

/** A cell of the pack in memory, while somebody looks at it. */
type Cell = {
  readonly number: number;
  readonly at: number;
  readonly bytes: Buffer;
  readonly buffer: Buffer;
  users: number;
};

const cellOf = (at: number): number => Math.floor(at / cellBytes);

/** How many cells are read before they are asked for: the disk reads on while what it has read is checked and written. */
const cellsAhead = 3;

type CellReader = {
  /** The cells in which the extents lie, one after the other. @throws SlipwayError `layer-pack-damaged` */
  readonly next: () => Promise<Cell>;
  readonly release: (cell: Cell) => void;
  /** When nothing is being read any more. */
  readonly settled: () => Promise<void>;
};

function readCells(pack: Pack, extents: readonly Extent[]): CellReader {
  const pool = createBufferPool(cellBytes);
  const numbers = cellNumbers(extents);
  const ahead: Promise<Cell>[] = [];
  const begin = (number: number): Promise<Cell> => {
    const buffer = pool.take();
    const reading = pack
      .readCell(number, buffer)
      .then((bytes) => ({ number, at: pack.cellStart(number), bytes, buffer, users: 1 }));
    // It fails where it is asked for; nobody may ask.
    reading.catch(() => undefined);
    return reading;
  };
  return {
    async next() {
      while (ahead.length <= cellsAhead) {
        const { value, done } = numbers.next();
        if (done === true) break;
        ahead.push(begin(value));
      }
      const cell = await ahead.shift();
      if (cell === undefined) throw new Error('no cell of the extents is left');
      return cell;
    },
    release(cell) {
      if (--cell.users === 0) pool.give(cell.buffer);
    },
    async settled() {
      await Promise.allSettled(ahead);
    },
  };
}

function* cellNumbers(extents: readonly Extent[]): Generator<number, undefined> {
  let last = -1;
  for (const { start, end } of extents) {
    for (let number = Math.max(cellOf(start), last + 1); number * cellBytes < end; number++) {
      yield number;
      last = number;
    }
  }
}

/** Appends the extents, and returns where an offset of one is now. */
export async function copyExtents(
  target: CopyTarget,
  pack: Pack,
  extents: readonly Extent[],
): Promise<(offset: number) => number> {
  const starts: number[] = [];
  const cells = readCells(pack, extents);
  let cell: Cell | undefined;
  try {
    for (const { start, end } of extents) {
      starts.push(target.area.end());
      for (let at = start; at < end;) {
        target.signal.throwIfAborted();
        if (cell?.number !== cellOf(at)) {
          if (cell !== undefined) cells.release(cell);
          cell = await cells.next();
        }
        const used = cell;
        const piece = used.bytes.subarray(at - used.at, Math.min(end - used.at, used.bytes.length));
        if (at < used.at || piece.length === 0) damaged(pack, `it ends before byte ${at}`);
        used.users++;
        await target.area.append(piece, () => cells.release(used));
        at += piece.length;
        target.copied?.(piece.length);
      }
    }
  } finally {
    await cells.settled();
  }
  return (offset) => {
    // The last extent that does not begin behind the offset.
    let low = 0;
    let high = extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((extents[middle]?.start ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    const extent = extents[low - 1];
    const start = starts[low - 1];
    if (extent === undefined || start === undefined || offset >= extent.end) {
      return damaged(pack, `nothing was copied from byte ${offset}`);
    }
    return start + offset - extent.start;
  };
}

/** Whether the stretch has the bytes that the image has from `at` on. */
export async function isInImage(
  { area, signal }: CopyTarget,
  pack: Pack,
  extent: Extent,
  at: number,
): Promise<boolean> {
  const [room, there] = [Buffer.allocUnsafe(cellBytes), Buffer.allocUnsafe(cellBytes)];
  for (let done = extent.start; done < extent.end;) {
    signal.throwIfAborted();
    const number = cellOf(done);
    const cell = await pack.readCell(number, room);
    const cellStart = pack.cellStart(number);
    const piece = cell.subarray(done - cellStart, extent.end - cellStart);
    if (piece.length === 0) damaged(pack, `it ends before byte ${done}`);
    const found = await area.read(there.subarray(0, piece.length), at + done - extent.start);
    if (found < piece.length || !piece.equals(there.subarray(0, found))) return false;
    done += piece.length;
  }
  return true;
}
