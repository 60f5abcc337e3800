// SPDX-License-Identifier: Apache-2.0
// Small reads anywhere in a file, each checked against its size. A library has a few kilobytes of what a loader wants,
// scattered over what may be hundreds of megabytes: pages of it are fetched as they are asked for.

/** A file to be read at any offset. */
export type ByteSource = {
  readonly sizeBytes: number;
  /** Fewer bytes than asked for only at the end of the file. */
  readonly read: (offset: number, length: number) => Uint8Array;
};

/** A source of bytes that are there already. */
export function bytesOf(bytes: Uint8Array): ByteSource {
  return { sizeBytes: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** What a file that lies about its own insides is answered with; never leaves this folder. */
export class Damage extends Error {}

export type ByteWindow = {
  readonly sizeBytes: number;
  /** @throws Damage where the file does not have all of these bytes */
  readonly bytes: (offset: number, length: number) => Buffer;
  /** The text up to a NUL that stands before `end`. @throws Damage where there is none within 4 KiB */
  readonly text: (offset: number, end: number) => string;
};

const pageBytes = 16 << 10;
const maxTextBytes = 4096;
/** Of pages kept; what a loader wants of the largest libraries takes a few dozen. */
const maxPages = 256;

export function createByteWindow(source: ByteSource): ByteWindow {
  const pages = new Map<number, Uint8Array>();
  const page = (number: number): Uint8Array => {
    const kept = pages.get(number);
    if (kept !== undefined) return kept;
    if (pages.size >= maxPages) pages.clear();
    const read = source.read(number * pageBytes, Math.min(pageBytes, source.sizeBytes - number * pageBytes));
    pages.set(number, read);
    return read;
  };
  const bytes = (offset: number, length: number): Buffer => {
    if (!(offset >= 0 && length >= 0 && offset + length <= source.sizeBytes)) {
      throw new Damage(`${length} bytes at ${offset} are beyond its end`);
    }
    const result = Buffer.alloc(length);
    for (let done = 0; done < length;) {
      const at = offset + done;
      const from = page(Math.floor(at / pageBytes));
      const piece = from.subarray(at % pageBytes, (at % pageBytes) + length - done);
      if (piece.length === 0) throw new Damage('it became shorter while it was read');
      result.set(piece, done);
      done += piece.length;
    }
    return result;
  };
  return {
    sizeBytes: source.sizeBytes,
    bytes,
    text: (offset, end) => {
      const limit = Math.min(end, source.sizeBytes);
      for (let length = 64; ; length = Math.min(length * 8, maxTextBytes)) {
        const got = bytes(offset, Math.max(0, Math.min(length, limit - offset)));
        const nul = got.indexOf(0);
        if (nul >= 0) return got.toString('latin1', 0, nul);
        if (length === maxTextBytes || offset + length >= limit) throw new Damage(`the text at ${offset} has no end`);
      }
    },
  };
}
