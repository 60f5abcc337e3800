// SPDX-License-Identifier: Apache-2.0
// LZ4's block format, written ("LZ4 Block Format Description", lz4.github.io): the fast method, which takes the last
// place where the same four bytes stood, and looks less and less closely where it finds nothing.

const minMatchBytes = 4;
/** No match begins in the last twelve bytes, or reaches into the last five. */
const endBytes = 12;
const lastLiteralBytes = 5;
const maxDistance = 0xffff;
const hashBits = 14;
/** For each hash, one more than where it was seen last; 0 is nowhere. */
const places = new Int32Array(1 << hashBits);

/** The block compressed, which may be a little longer than `input`. The same input gives the same bytes. */
export function compressLz4Block(input: Buffer): Buffer {
  places.fill(0);
  const output = Buffer.allocUnsafe(input.length + Math.ceil(input.length / 255) + 16);
  const matchEnd = input.length - lastLiteralBytes;
  let anchor = 0;
  let used = 0;
  for (let at = 0; at < input.length - endBytes;) {
    const hash = hashAt(input, at);
    const from = (places[hash] ?? 0) - 1;
    places[hash] = at + 1;
    if (from < 0 || at - from > maxDistance || !areSame(input, from, at)) {
      at += 1 + ((at - anchor) >> 6);
      continue;
    }
    let end = at + minMatchBytes;
    while (end < matchEnd && input[end] === input[end - at + from]) end += 1;
    used = putSequence(output, used, input.subarray(anchor, at), { distance: at - from, lengthBytes: end - at });
    at = end;
    anchor = end;
  }
  return output.subarray(0, putSequence(output, used, input.subarray(anchor)));
}

/** Literals, and a match unless they are the last; returns where the output ends then. */
function putSequence(
  output: Buffer,
  start: number,
  literals: Buffer,
  match?: { readonly distance: number; readonly lengthBytes: number },
): number {
  const matchCode = match === undefined ? 0 : match.lengthBytes - minMatchBytes;
  output[start] = (Math.min(literals.length, 15) << 4) | Math.min(matchCode, 15);
  let used = putLength(output, start + 1, literals.length);
  used += literals.copy(output, used);
  if (match === undefined) return used;
  output.writeUInt16LE(match.distance, used);
  return putLength(output, used + 2, matchCode);
}

/** What of a length has no room in four bits. */
function putLength(output: Buffer, start: number, length: number): number {
  let used = start;
  if (length < 15) return used;
  let left = length - 15;
  for (; left >= 255; left -= 255) output[used++] = 255;
  output[used++] = left;
  return used;
}

function hashAt(input: Buffer, at: number): number {
  const word =
    (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8) | ((input[at + 2] ?? 0) << 16) | ((input[at + 3] ?? 0) << 24);
  return Math.imul(word, 0x9e37_79b1) >>> (32 - hashBits);
}

function areSame(input: Buffer, one: number, other: number): boolean {
  return (
    input[one] === input[other] &&
    input[one + 1] === input[other + 1] &&
    input[one + 2] === input[other + 2] &&
    input[one + 3] === input[other + 3]
  );
}
