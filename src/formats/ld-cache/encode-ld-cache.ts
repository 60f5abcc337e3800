// SPDX-License-Identifier: Apache-2.0
// Writes a cache in the format since glibc 2.2, little-endian: header, entries in the order in which the loader's binary
// search expects them, texts, and the extension with names of glibc-hwcaps where an entry has one.
import type { CachedLibrary } from './parse-ld-cache.ts';

const magic = 'glibc-ld.so.cache1.1';
const headerBytes = 48;
const entryBytes = 24;
const extensionMagic = 0xeaa4_2174;

/** The bytes of a cache of these libraries. Of two with one name, flags and hwcap a loader takes the first. */
export function encodeLdCache(libraries: readonly CachedLibrary[]): Buffer {
  const hwcaps = [...new Set(libraries.flatMap(({ hwcap }) => hwcap ?? []))].toSorted();
  const sorted = libraries.toSorted(
    (a, b) =>
      compareNames(b.name, a.name) ||
      b.flags - a.flags ||
      // Better ones first; names of levels order themselves.
      (b.hwcap ?? '').localeCompare(a.hwcap ?? ''),
  );

  const start = headerBytes + sorted.length * entryBytes;
  const texts: Buffer[] = [];
  let end = start;
  const known = new Map<string, number>();
  const textAt = (text: string): number => {
    const at = known.get(text);
    if (at !== undefined) return at;
    const bytes = Buffer.from(`${text}\0`, 'latin1');
    texts.push(bytes);
    known.set(text, end);
    end += bytes.length;
    return end - bytes.length;
  };
  const entries = Buffer.alloc(sorted.length * entryBytes);
  sorted.forEach(({ name, path, flags, hwcap }, index) => {
    const at = index * entryBytes;
    entries.writeUInt32LE(flags, at);
    entries.writeUInt32LE(textAt(name), at + 4);
    entries.writeUInt32LE(textAt(path), at + 8);
    if (hwcap !== undefined) entries.writeBigUInt64LE((1n << 62n) | BigInt(hwcaps.indexOf(hwcap)), at + 16);
  });
  const hwcapTexts = hwcaps.map(textAt);
  const stringBytes = end - start;

  const header = Buffer.alloc(headerBytes);
  header.write(magic, 0, 'latin1');
  header.writeUInt32LE(sorted.length, 20);
  header.writeUInt32LE(stringBytes, 24);
  header.writeUInt8(2, 28); // little-endian
  const parts = [header, entries, ...texts];
  if (hwcaps.length > 0) {
    const padding = Buffer.alloc((4 - (end % 4)) % 4);
    const extension = Buffer.alloc(24 + hwcaps.length * 4);
    const at = end + padding.length;
    header.writeUInt32LE(at, 32);
    extension.writeUInt32LE(extensionMagic, 0);
    extension.writeUInt32LE(1, 4);
    extension.writeUInt32LE(1, 8);
    extension.writeUInt32LE(at + 24, 16);
    extension.writeUInt32LE(hwcaps.length * 4, 20);
    hwcapTexts.forEach((text, index) => extension.writeUInt32LE(text, 24 + index * 4));
    parts.push(padding, extension);
  }
  return Buffer.concat(parts);
}

/** glibc's order (dl-cache.c, _dl_cache_libcmp): runs of digits by their value, and digits after everything else. */
function compareNames(a: string, b: string): number {
  const isDigit = (text: string, at: number): boolean => at < text.length && /[0-9]/.test(text.charAt(at));
  let i = 0;
  let j = 0;
  while (i < a.length) {
    if (isDigit(a, i)) {
      if (!isDigit(b, j)) return 1;
      const [left, right] = [digitsAt(a, i), digitsAt(b, j)];
      if (left.value !== right.value) return left.value - right.value;
      i = left.end;
      j = right.end;
      continue;
    }
    if (isDigit(b, j)) return -1;
    if (a[i] !== b[j]) return a.charCodeAt(i) - (j < b.length ? b.charCodeAt(j) : 0);
    i += 1;
    j += 1;
  }
  return j < b.length ? -b.charCodeAt(j) : 0;
}

/** In 32 bits, as the loader's own arithmetic has it. */
function digitsAt(text: string, from: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let end = from;
  for (; end < text.length && /[0-9]/.test(text.charAt(end)); end += 1) {
    value = (Math.imul(value, 10) + Number(text.charAt(end))) | 0;
  }
  return { value, end };
}
