// SPDX-License-Identifier: Apache-2.0
// Numbers of an ELF file: of the file's byte order, and of its class where they are addresses. Then program headers and the
// dynamic section, which the rest is found by; section headers are for linkers and may be missing (strip, patchelf).
import { type ByteWindow, Damage } from './byte-window.ts';
import type { ElfClass } from './elf-file.ts';

export type Layout = {
  readonly window: ByteWindow;
  readonly class: ElfClass;
  readonly isLittleEndian: boolean;
  readonly machine: number;
  readonly type: number;
  readonly segments: readonly Segment[];
  /** The values of each dynamic tag, in order. */
  readonly dynamic: ReadonlyMap<number, readonly number[]>;
  readonly u16: (bytes: Buffer, at: number) => number;
  readonly u32: (bytes: Buffer, at: number) => number;
  /** An address or offset; one that no file can have is Infinity, which no bounds check lets pass. */
  readonly word: (bytes: Buffer, at: number) => number;
};

export type Segment = {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
};

const segmentTypes = { load: 1, dynamic: 2, interpreter: 3 } as const;
const maxSegments = 4096;
const maxDynamicEntries = 16_384;

/** @throws Damage; undefined for what is no ELF file at all */
export function readLayout(window: ByteWindow): Layout | undefined {
  if (window.sizeBytes < 16) return undefined;
  const ident = window.bytes(0, 16);
  if (ident.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const [, , , , classByte, orderByte, version] = ident;
  if (classByte !== 1 && classByte !== 2) throw new Damage('its class is neither 32 nor 64 bits');
  if (orderByte !== 1 && orderByte !== 2) throw new Damage('its byte order is unknown');
  if (version !== 1) throw new Damage('its version is unknown');
  const is64 = classByte === 2;
  const little = orderByte === 1;
  const u16 = (bytes: Buffer, at: number): number => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (bytes: Buffer, at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const word = (bytes: Buffer, at: number): number => {
    if (!is64) return u32(bytes, at);
    const value = little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
  };

  const header = window.bytes(0, is64 ? 64 : 52);
  const base = { window, class: is64 ? 64 : 32, isLittleEndian: little, u16, u32, word } as const;
  const machine = u16(header, 18);
  const type = u16(header, 16);
  const tableOffset = word(header, is64 ? 32 : 28);
  const entryBytes = u16(header, is64 ? 54 : 42);
  const count = u16(header, is64 ? 56 : 44);
  if (count > maxSegments) throw new Damage('it has too many program headers');
  if (count > 0 && entryBytes !== (is64 ? 56 : 32)) throw new Damage('its program headers have an unknown size');
  const table = window.bytes(count === 0 ? 0 : tableOffset, count * entryBytes);
  const segments = Array.from({ length: count }, (_, index): Segment => {
    const at = index * entryBytes;
    return is64
      ? {
          type: u32(table, at),
          offset: word(table, at + 8),
          address: word(table, at + 16),
          fileBytes: word(table, at + 32),
        }
      : {
          type: u32(table, at),
          offset: word(table, at + 4),
          address: word(table, at + 8),
          fileBytes: word(table, at + 16),
        };
  });
  return { ...base, machine, type, segments, dynamic: readDynamic(base, segments) };
}

function readDynamic(
  layout: Pick<Layout, 'window' | 'class' | 'word'>,
  segments: readonly Segment[],
): ReadonlyMap<number, readonly number[]> {
  const tags = new Map<number, number[]>();
  const segment = segments.find(({ type }) => type === segmentTypes.dynamic);
  if (segment === undefined) return tags;
  const entryBytes = layout.class / 4;
  const entries = Math.floor(segment.fileBytes / entryBytes);
  if (entries > maxDynamicEntries) throw new Damage('its dynamic section is too large');
  const bytes = layout.window.bytes(segment.offset, entries * entryBytes);
  for (let at = 0; at < bytes.length; at += entryBytes) {
    const tag = layout.word(bytes, at);
    if (tag === 0) break;
    const value = layout.word(bytes, at + entryBytes / 2);
    const values = tags.get(tag);
    if (values === undefined) tags.set(tag, [value]);
    else values.push(value);
  }
  return tags;
}

/** Where in the file the byte is that a loader maps at `address`. @throws Damage where it maps none */
export function offsetOf(layout: Pick<Layout, 'segments'>, address: number): number {
  const segment = layout.segments.find(
    (each) => each.type === segmentTypes.load && address >= each.address && address - each.address < each.fileBytes,
  );
  if (segment === undefined) throw new Damage(`nothing of it is at address ${address}`);
  return segment.offset + (address - segment.address);
}

/** The text of PT_INTERP. */
export function interpreterOf(layout: Layout): string | undefined {
  const segment = layout.segments.find(({ type }) => type === segmentTypes.interpreter);
  return segment === undefined ? undefined : layout.window.text(segment.offset, segment.offset + segment.fileBytes);
}
