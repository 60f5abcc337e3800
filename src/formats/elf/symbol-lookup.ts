// SPDX-License-Identifier: Apache-2.0
// Whether a library gives a symbol, by GNU's hash table: the one that loaders look into first, and the only one that
// most libraries have had since 2006. Where there is the System V table alone, that one.
import { type ByteSource, createByteWindow, Damage } from './byte-window.ts';
import { type Layout, offsetOf, readLayout } from './layout.ts';
import { tags, textReader } from './read-elf.ts';

/** Chains are followed this far: a table that needs more is no table. */
const maxSteps = 65_536;

/** Whether the library defines `name` for others. False for what is no ELF file, or a damaged one. */
export function definesSymbol(source: ByteSource, name: string): boolean {
  try {
    const layout = readLayout(createByteWindow(source));
    if (layout === undefined) return false;
    const gnu = layout.dynamic.get(tags.gnuHash)?.[0];
    const old = layout.dynamic.get(tags.hash)?.[0];
    const candidates =
      gnu !== undefined ? inGnuTable(layout, offsetOf(layout, gnu), name) : inOldTable(layout, old, name);
    const isNamed = symbolNamed(layout, name);
    for (const index of candidates) if (isNamed(index)) return true;
    return false;
  } catch (error) {
    if (error instanceof Damage) return false;
    throw error;
  }
}

/** Whether a symbol has this name and is defined here. */
function symbolNamed(layout: Layout, name: string): (index: number) => boolean {
  const text = textReader(layout);
  const table = offsetOf(layout, layout.dynamic.get(tags.symbolTable)?.[0] ?? Number.POSITIVE_INFINITY);
  const symbolBytes = layout.class === 64 ? 24 : 16;
  return (index) => {
    const symbol = layout.window.bytes(table + index * symbolBytes, symbolBytes);
    const section = layout.u16(symbol, layout.class === 64 ? 6 : 14);
    return section !== 0 && text(layout.u32(symbol, 0)) === name;
  };
}

function* inGnuTable(layout: Layout, at: number, name: string): Generator<number> {
  const { window, u32 } = layout;
  const header = window.bytes(at, 16);
  const [buckets, first, bloomWords] = [u32(header, 0), u32(header, 4), u32(header, 8)];
  if (buckets === 0) return;
  const hash = gnuHash(name);
  const bucketTable = at + 16 + bloomWords * (layout.class / 8);
  const start = u32(window.bytes(bucketTable + (hash % buckets) * 4, 4), 0);
  if (start < first) return;
  const chain = bucketTable + buckets * 4;
  for (let step = 0; step < maxSteps; step += 1) {
    const index = start + step;
    const entry = u32(window.bytes(chain + (index - first) * 4, 4), 0);
    // Its lowest bit marks the end of a chain.
    if (entry >>> 1 === hash >>> 1) yield index;
    if ((entry & 1) === 1) return;
  }
}

function* inOldTable(layout: Layout, address: number | undefined, name: string): Generator<number> {
  if (address === undefined) return;
  const { window, u32 } = layout;
  const at = offsetOf(layout, address);
  const header = window.bytes(at, 8);
  const [buckets, symbols] = [u32(header, 0), u32(header, 4)];
  if (buckets === 0) return;
  let index = u32(window.bytes(at + 8 + (oldHash(name) % buckets) * 4, 4), 0);
  for (let step = 0; step < maxSteps && index !== 0 && index < symbols; step += 1) {
    yield index;
    index = u32(window.bytes(at + 8 + (buckets + index) * 4, 4), 0);
  }
}

function gnuHash(name: string): number {
  let hash = 5381;
  for (const byte of Buffer.from(name, 'latin1')) hash = (Math.imul(hash, 33) + byte) >>> 0;
  return hash;
}

function oldHash(name: string): number {
  let hash = 0;
  for (const byte of Buffer.from(name, 'latin1')) {
    hash = ((hash << 4) >>> 0) + byte;
    const high = (hash & 0xf000_0000) >>> 0;
    if (high !== 0) hash ^= high >>> 24;
    hash = (hash & ~high) >>> 0;
  }
  return hash;
}
