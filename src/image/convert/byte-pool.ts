// SPDX-License-Identifier: Apache-2.0
// Many short byte strings without an object for each: they stand one after the other in large segments.

const segmentBytes = 1024 * 1024;

export type BytePool = {
  /** Keeps a copy, of at most one segment, and returns its place. */
  readonly add: (bytes: Buffer) => number;
  /** The bytes at a place, as a view. @throws RangeError where they are not in the pool */
  readonly view: (place: number, length: number) => Buffer;
  /** Everything, for `bytePoolOf`. */
  readonly encode: () => Buffer;
};

export function createBytePool(): BytePool {
  return bytePool([], segmentBytes);
}

/** The pool that gave these bytes; it keeps them. */
export function bytePoolOf(bytes: Buffer): BytePool {
  const segments: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += segmentBytes) segments.push(bytes.subarray(at, at + segmentBytes));
  // Nothing is added to a segment that is not of its full size.
  return bytePool(segments, segmentBytes);
}

function bytePool(segments: Buffer[], initialUsedBytes: number): BytePool {
  let usedBytes = initialUsedBytes;
  return {
    add: (bytes) => {
      if (usedBytes + bytes.length > segmentBytes) {
        segments.push(Buffer.alloc(segmentBytes));
        usedBytes = 0;
      }
      const place = (segments.length - 1) * segmentBytes + usedBytes;
      segments.at(-1)?.set(bytes, usedBytes);
      usedBytes += bytes.length;
      return place;
    },
    view: (place, length) => {
      const start = place % segmentBytes;
      const segment = segments[Math.floor(place / segmentBytes)];
      if (segment === undefined || start + length > segment.length) throw new RangeError('no such place in the pool');
      return segment.subarray(start, start + length);
    },
    encode: () =>
      Buffer.concat(
        segments.map((segment, index) => (index === segments.length - 1 ? segment.subarray(0, usedBytes) : segment)),
      ),
  };
}
