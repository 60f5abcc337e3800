// SPDX-License-Identifier: Apache-2.0
// Many short byte strings without an object for each: they stand one after the other in large segments.

const segmentBytes = 1024 * 1024;

export type BytePool = {
  /** Keeps a copy, of at most one segment, and returns its place. */
  readonly add: (bytes: Buffer) => number;
  /** The bytes at a place, as a view. */
  readonly view: (place: number, length: number) => Buffer;
};

export function createBytePool(): BytePool {
  const segments: Buffer[] = [];
  let usedBytes = segmentBytes;
  const add = (bytes: Buffer): number => {
    if (usedBytes + bytes.length > segmentBytes) {
      segments.push(Buffer.allocUnsafeSlow(segmentBytes));
      usedBytes = 0;
    }
    const place = (segments.length - 1) * segmentBytes + usedBytes;
    segments.at(-1)?.set(bytes, usedBytes);
    usedBytes += bytes.length;
    return place;
  };
  const view = (place: number, length: number): Buffer => {
    const start = place % segmentBytes;
    const segment = segments[Math.floor(place / segmentBytes)];
    if (segment === undefined) throw new RangeError('no such place in the pool');
    return segment.subarray(start, start + length);
  };
  return { add, view };
}
