// SPDX-License-Identifier: Apache-2.0
// Names for contents, within one user's private directory. They tell apart what one person's plans need and find
// damage; they protect against nobody, and need not: who can write there is the user. A cryptographic digest would say
// no more here, and loading Node's costs a sixth of a first launch.

/** FNV-1a, 64 bits: the launcher's check against damage, and its name for a command line. */
export function fnv1a(bytes: Uint8Array, seed = 0xcbf29ce484222325n): bigint {
  // Two halves of 32 bits: BigInt arithmetic on each byte would cost more than all the rest of planning.
  let high = Number(seed >> 32n);
  let low = Number(seed & 0xffff_ffffn);
  for (const byte of bytes) {
    low = (low ^ byte) >>> 0;
    // times 2^40 + 0x1b3
    const product = low * 0x1b3;
    const carry = Math.floor(product / 0x1_0000_0000);
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

/** 32 hexadecimal digits that name `text`. */
export function fingerprint(text: string): string {
  const bytes = Buffer.from(text);
  // From another start the second half is as good as independent of the first.
  return [fnv1a(bytes), fnv1a(bytes, 0x6c62272e07bb0142n)].map((half) => half.toString(16).padStart(16, '0')).join('');
}
