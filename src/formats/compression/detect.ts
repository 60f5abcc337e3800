// SPDX-License-Identifier: Apache-2.0
// How bytes are compressed, by their first ones: gzip (RFC 1952), zstd (RFC 8878, skippable frames included), xz (The .xz
// File Format, 2.1.1) and bzip2. Names and media types are wrong too often to decide anything.

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** How many of the first bytes decide. */
export const compressionStartBytes = 10;

const magics: readonly (readonly [Compression, RegExp])[] = [
  ['gzip', /^\x1f\x8b/],
  ['zstd', /^(?:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)/],
  ['xz', /^\xfd7zXZ\0/],
  // Its first block's mark is that of π; an empty file has the mark of the end, of √π.
  ['bzip2', /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/],
];

/** @param start the first `compressionStartBytes` bytes, fewer where there are fewer */
export function detectCompression(start: Buffer): Compression {
  const text = start.toString('latin1', 0, compressionStartBytes);
  return magics.find(([, magic]) => magic.test(text))?.[0] ?? 'none';
}
