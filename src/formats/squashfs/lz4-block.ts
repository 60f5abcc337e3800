// SPDX-License-Identifier: Apache-2.0
// The LZ4 block format (lz4_Block_format.md of the LZ4 project): sequences of a token, literals, and a match given by
// offset and length. Squashfs stores bare blocks, without LZ4's frame.

/**
 * Decompresses one block of at most `maxBytes`.
 * @throws RangeError when the block is malformed or longer
 */
export function decompressLz4Block(input: Buffer, maxBytes: number): Buffer {
  const output = Buffer.allocUnsafe(maxBytes);
  let read = 0;
  let written = 0;

  const extendedLength = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (;;) {
      const more = input[read++];
      if (more === undefined) throw new RangeError('a length runs past the end');
      length += more;
      if (length > maxBytes) throw new RangeError('a length exceeds the block');
      if (more !== 255) return length;
    }
  };

  for (;;) {
    const token = input[read++];
    if (token === undefined) throw new RangeError('no sequence where one must be');
    const literals = extendedLength(token >> 4);
    if (read + literals > input.length) throw new RangeError('literals run past the end');
    if (written + literals > maxBytes) throw new RangeError('literals exceed the block');
    input.copy(output, written, read, read + literals);
    read += literals;
    written += literals;
    // The last sequence has literals only.
    if (read === input.length) return output.subarray(0, written);

    if (read + 2 > input.length) throw new RangeError('a match offset runs past the end');
    const offset = input.readUInt16LE(read);
    read += 2;
    const matchLength = extendedLength(token & 15) + 4;
    if (offset === 0 || offset > written) throw new RangeError('a match lies before the block');
    if (written + matchLength > maxBytes) throw new RangeError('a match exceeds the block');
    if (offset >= matchLength) {
      output.copyWithin(written, written - offset, written - offset + matchLength);
      written += matchLength;
    } else {
      // The match overlaps what it writes: it repeats its first bytes, so it must go forward byte by byte.
      for (const end = written + matchLength; written < end; written++) {
        output[written] = output[written - offset] ?? 0;
      }
    }
  }
}
