// SPDX-License-Identifier: Apache-2.0
// Damage to bytes: single ones changed, numbers made extreme, pieces cut out, doubled, moved or cut off.
import type { Random } from './random.ts';

const extremes = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] as const;

/** A changed copy; the same where `times` is 0. */
export function mutate(bytes: Buffer, random: Random, times: number): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (let time = 0; time < times && result.length > 0; time += 1) result = mutateOnce(result, random);
  return result;
}

function mutateOnce(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length);
  const length = 1 + random.below(Math.min(600, bytes.length - at));
  const piece = bytes.subarray(at, at + length);
  switch (random.below(8)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = random.below(256);
      return bytes;
    case 2:
      if (at + 4 <= bytes.length) bytes.writeUInt32LE(random.one(extremes), at);
      return bytes;
    case 3:
      if (at + 8 <= bytes.length) bytes.writeBigUInt64LE(BigInt(random.one(extremes)) << BigInt(random.below(33)), at);
      return bytes;
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    case 6:
      piece.copy(bytes, random.below(bytes.length));
      return bytes;
    default:
      return random.chance(0.3) ? bytes.subarray(0, at) : Buffer.concat([bytes, random.bytes(length)]);
  }
}
