// SPDX-License-Identifier: Apache-2.0
// The two formats of glibc's cache (its sysdeps/generic/dl-cache.h): the one since 2.2, alone or behind the old one for
// loaders of both kinds, and the old one by itself. A cache is never believed: a text that is not inside is no entry.

export type CachedLibrary = {
  /** What programs ask for: `libz.so.1`. */
  readonly name: string;
  readonly path: string;
  /** For which loaders: the low byte says libc6 (3), the second the architecture (3: x86-64, 10: AArch64 …). */
  readonly flags: number;
  /** Of glibc-hwcaps, such as `x86-64-v3`: only for processors that can do as much. */
  readonly hwcap: string | undefined;
};

const oldMagic = 'ld.so-1.7.0';
const newMagic = 'glibc-ld.so.cache1.1';
const oldHeaderBytes = 16;
const oldEntryBytes = 12;
const newHeaderBytes = 48;
const newEntryBytes = 24;
const maxEntries = 1 << 20;
const maxTextBytes = 4096;
const extensionMagic = 0xeaa4_2174;
/** A bit of an entry's hwcap: the low half is an index into the extension of glibc-hwcaps names (glibc 2.33). */
const namedHwcap = 1 << 30;

/** The entries, in the cache's order; undefined for what is no cache of glibc. */
export function parseLdCache(bytes: Buffer): readonly CachedLibrary[] | undefined {
  if (startsWith(bytes, 0, newMagic)) return parseNew(bytes, 0);
  if (!startsWith(bytes, 0, oldMagic)) return undefined;
  const little = old(bytes, true);
  const { count, isPlausible, u32 } = little.isPlausible ? little : old(bytes, false);
  if (!isPlausible) return undefined;
  const end = oldHeaderBytes + count * oldEntryBytes;
  const aligned = Math.ceil(end / 8) * 8;
  if (startsWith(bytes, aligned, newMagic)) return parseNew(bytes, aligned);
  return entries(count, (index) => {
    const at = oldHeaderBytes + index * oldEntryBytes;
    const name = textAt(bytes, end + u32(at + 4));
    const path = textAt(bytes, end + u32(at + 8));
    return name === undefined || path === undefined ? undefined : { name, path, flags: u32(at), hwcap: undefined };
  });
}

function old(
  bytes: Buffer,
  isLittle: boolean,
): { readonly count: number; readonly isPlausible: boolean; readonly u32: (at: number) => number } {
  const u32 = reader(bytes, isLittle);
  const count = bytes.length >= oldHeaderBytes ? u32(12) : maxEntries + 1;
  return { count, isPlausible: count <= maxEntries && oldHeaderBytes + count * oldEntryBytes <= bytes.length, u32 };
}

function parseNew(whole: Buffer, start: number): readonly CachedLibrary[] | undefined {
  // Offsets count from here, also where an old cache stands before.
  const bytes = whole.subarray(start);
  if (bytes.length < newHeaderBytes) return undefined;
  // The two lowest bits of this byte: 2 little, 3 big endian; 0 from before glibc 2.33, by whom it may concern.
  const order = bytes.readUInt8(28) & 3;
  const isLittle = order === 0 ? bytes.readUInt32LE(20) <= maxEntries : order === 2;
  const u32 = reader(bytes, isLittle);
  const count = u32(20);
  if (count > maxEntries || newHeaderBytes + count * newEntryBytes > bytes.length) return undefined;
  const hwcapNames = readHwcapNames(bytes, u32);
  return entries(count, (index) => {
    const at = newHeaderBytes + index * newEntryBytes;
    const name = textAt(bytes, u32(at + 4));
    const path = textAt(bytes, u32(at + 8));
    const high = u32(at + (isLittle ? 20 : 16));
    const low = u32(at + (isLittle ? 16 : 20));
    // Other bits are of the hardware capabilities that glibc gave up in 2.37: for whom they are can't be said any more.
    if ((high & ~namedHwcap) !== 0 || (high === 0 && low !== 0)) return undefined;
    const hwcap = high === namedHwcap ? hwcapNames[low] : undefined;
    if (name === undefined || path === undefined || (high === namedHwcap && hwcap === undefined)) return undefined;
    return { name, path, flags: u32(at), hwcap };
  });
}

function readHwcapNames(bytes: Buffer, u32: (at: number) => number): readonly string[] {
  const at = u32(32);
  if (at === 0 || at + 8 > bytes.length || u32(at) !== extensionMagic) return [];
  const sections = Math.min(u32(at + 4), 64);
  for (let index = 0; index < sections; index += 1) {
    const section = at + 8 + index * 16;
    if (section + 16 > bytes.length) break;
    const [tag, offset, sizeBytes] = [u32(section), u32(section + 8), u32(section + 12)];
    if (tag !== 1) continue;
    if (offset + sizeBytes > bytes.length || sizeBytes > 4 * 64) break;
    return Array.from({ length: sizeBytes / 4 }, (_, each) => textAt(bytes, u32(offset + each * 4)) ?? '');
  }
  return [];
}

function entries(count: number, entry: (index: number) => CachedLibrary | undefined): readonly CachedLibrary[] {
  return Array.from({ length: count }, (_, index) => entry(index)).filter((each) => each !== undefined);
}

function reader(bytes: Buffer, isLittle: boolean): (at: number) => number {
  return (at) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
}

function startsWith(bytes: Buffer, at: number, text: string): boolean {
  return bytes.toString('latin1', at, at + text.length) === text;
}

function textAt(bytes: Buffer, at: number): string | undefined {
  if (at >= bytes.length) return undefined;
  const nul = bytes.indexOf(0, at);
  return nul < 0 || nul - at > maxTextBytes ? undefined : bytes.toString('latin1', at, nul);
}
