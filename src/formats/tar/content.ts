// SPDX-License-Identifier: Apache-2.0
// The content of one file as it comes by: stored bytes are handed on, and between them the holes of a sparse file.
import type { SparseMap } from './sparse.ts';

export type ContentSink = {
  readonly content?: (chunk: Buffer) => void;
  readonly hole?: (sizeBytes: number) => void;
};

export type ContentCursor = {
  /** Stored bytes still to come. */
  readonly leftBytes: () => number;
  /** Hands on what belongs to the content in `chunk` from `at` on, as far as one part goes; returns how much. */
  readonly take: (chunk: Buffer, at: number) => number;
  /** To be called once nothing is left: hands on the hole at the end. */
  readonly finish: () => void;
};

/** @param map checked against `storedBytes`; undefined for a file without holes. */
export function createContentCursor(sink: ContentSink, storedBytes: number, map: SparseMap | undefined): ContentCursor {
  let leftBytes = storedBytes;
  let partBytes = map === undefined ? storedBytes : 0;
  let nextSegment = 0;
  let position = 0;

  const skipTo = (offset: number): void => {
    if (offset > position) sink.hole?.(offset - position);
    position = Math.max(position, offset);
  };
  /** Steps to the next part that has bytes: there is one, as the map adds up to what is stored. */
  const advance = (segments: readonly number[]): void => {
    while (partBytes === 0) {
      skipTo(segments[nextSegment] ?? 0);
      partBytes = segments[nextSegment + 1] ?? 0;
      nextSegment += 2;
    }
  };
  const take = (chunk: Buffer, at: number): number => {
    if (partBytes === 0 && map !== undefined) advance(map.segments);
    const taken = Math.min(partBytes, chunk.length - at);
    sink.content?.(chunk.subarray(at, at + taken));
    leftBytes -= taken;
    partBytes -= taken;
    position += taken;
    return taken;
  };
  return {
    leftBytes: () => leftBytes,
    take,
    finish: () => {
      if (map !== undefined) skipTo(map.sizeBytes);
    },
  };
}
