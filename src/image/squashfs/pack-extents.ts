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

/** Appends the extents, and returns where an offset of one is now. */
export async function copyExtents(
  target: CopyTarget,
  pack: Pack,
  extents: readonly Extent[],
): Promise<(offset: number) => number> {
  const pool = createBufferPool(cellBytes);
  const starts: number[] = [];
  let cell: Cell | undefined;
  const release = (used: Cell): void => {
    if (--used.users === 0) pool.give(used.buffer);
  };
  for (const { start, end } of extents) {
    starts.push(target.area.end());
    for (let at = start; at < end;) {
      target.signal.throwIfAborted();
      const number = Math.floor(at / cellBytes);
      if (cell?.number !== number) {
        if (cell !== undefined) release(cell);
        const buffer = pool.take();
        const bytes = await pack.readCell(number, buffer);
        cell = { number, at: pack.cellStart(number), bytes, buffer, users: 1 };
      }
      const used = cell;
      const piece = used.bytes.subarray(at - used.at, Math.min(end - used.at, used.bytes.length));
      if (at < used.at || piece.length === 0) damaged(pack, `it ends before byte ${at}`);
      used.users++;
      await target.area.append(piece, () => release(used));
      at += piece.length;
      target.copied?.(piece.length);
    }
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
    const number = Math.floor(done / cellBytes);
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
