// SPDX-License-Identifier: Apache-2.0
// Reads what a dynamic loader wants to know of a program or library. The file is never believed: every offset is checked
// where it is used, every count is bounded, every chain goes forward only.
import { type ByteSource, createByteWindow, Damage } from './byte-window.ts';
import type { ElfFile, ElfResult, NeededVersions } from './elf-file.ts';
import { interpreterOf, type Layout, offsetOf, readLayout } from './layout.ts';

/** Dynamic tags (elf(5); the last four are GNU's). */
export const tags = {
  needed: 1,
  hash: 4,
  stringTable: 5,
  symbolTable: 6,
  stringBytes: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  gnuHash: 0x6ffffef5,
  versionDefinitions: 0x6ffffffc,
  versionDefinitionCount: 0x6ffffffd,
  versionNeeds: 0x6ffffffe,
  versionNeedCount: 0x6fffffff,
} as const;

const kinds: Readonly<Record<number, ElfFile['kind']>> = { 2: 'executable', 3: 'shared' };
const maxVersions = 16_384;
const weakOrBase = { base: 1, weak: 2 } as const;

/** Reads an ELF file; a damaged one, or something else, is told by the result, never thrown. */
export function readElf(source: ByteSource): ElfResult {
  try {
    const layout = readLayout(createByteWindow(source));
    return layout === undefined
      ? { ok: false, isElf: false, reason: 'it is no ELF file' }
      : { ok: true, elf: readFrom(layout) };
  } catch (error) {
    if (error instanceof Damage) return { ok: false, isElf: true, reason: error.message };
    throw error;
  }
}

function readFrom(layout: Layout): ElfFile {
  const text = textReader(layout);
  const texts = (tag: number): readonly string[] => (layout.dynamic.get(tag) ?? []).map(text);
  return {
    class: layout.class,
    isLittleEndian: layout.isLittleEndian,
    machine: layout.machine,
    kind: kinds[layout.type] ?? 'other',
    interpreter: interpreterOf(layout),
    needed: texts(tags.needed),
    soname: texts(tags.soname).at(-1),
    rpath: texts(tags.rpath).at(-1),
    runpath: texts(tags.runpath).at(-1),
    definedVersions: definedVersions(layout, text),
    neededVersions: neededVersions(layout, text),
  };
}

/** Gives the text at an offset of the dynamic string table. */
export function textReader(layout: Layout): (offset: number) => string {
  const address = layout.dynamic.get(tags.stringTable)?.[0];
  const bytes = layout.dynamic.get(tags.stringBytes)?.[0] ?? 0;
  const start = address === undefined ? undefined : offsetOf(layout, address);
  return (offset) => {
    if (start === undefined) throw new Damage('it has no table of names');
    if (!(offset < bytes)) throw new Damage(`a name is beyond its table of names`);
    return layout.window.text(start + offset, start + bytes);
  };
}

/** A chain of version records: each begins with its version, 1, and ends with how far off the next is. */
function* records(
  layout: Layout,
  chain: { readonly addressTag: number; readonly countTag: number; readonly recordBytes: number },
): Generator<{ readonly record: Buffer; readonly offset: number }> {
  const address = layout.dynamic.get(chain.addressTag)?.[0];
  if (address === undefined) return;
  const count = layout.dynamic.get(chain.countTag)?.[0] ?? 0;
  if (count > maxVersions) throw new Damage('it has too many symbol versions');
  let offset = offsetOf(layout, address);
  for (let index = 0; index < count; index += 1) {
    const record = layout.window.bytes(offset, chain.recordBytes);
    if (layout.u16(record, 0) !== 1) throw new Damage('its symbol versions are of an unknown kind');
    yield { record, offset };
    const next = layout.u32(record, chain.recordBytes - 4);
    if (next === 0) return;
    offset += next;
  }
}

function definedVersions(layout: Layout, text: (offset: number) => string): readonly string[] {
  const names: string[] = [];
  const chain = { addressTag: tags.versionDefinitions, countTag: tags.versionDefinitionCount, recordBytes: 20 };
  for (const { record, offset } of records(layout, chain)) {
    if ((layout.u16(record, 2) & weakOrBase.base) !== 0) continue;
    // The first of its auxiliary records has the name; what follows are its parents.
    if (layout.u16(record, 6) === 0) continue;
    const auxiliary = layout.window.bytes(offset + layout.u32(record, 12), 8);
    names.push(text(layout.u32(auxiliary, 0)));
  }
  return names;
}

function neededVersions(layout: Layout, text: (offset: number) => string): readonly NeededVersions[] {
  const needs: NeededVersions[] = [];
  let total = 0;
  const chain = { addressTag: tags.versionNeeds, countTag: tags.versionNeedCount, recordBytes: 16 };
  for (const { record, offset } of records(layout, chain)) {
    const versions: string[] = [];
    let at = offset + layout.u32(record, 8);
    const count = layout.u16(record, 2);
    for (let index = 0; index < count; index += 1) {
      total += 1;
      if (total > maxVersions) throw new Damage('it needs too many symbol versions');
      const auxiliary = layout.window.bytes(at, 16);
      if ((layout.u16(auxiliary, 4) & weakOrBase.weak) === 0) versions.push(text(layout.u32(auxiliary, 8)));
      const next = layout.u32(auxiliary, 12);
      if (next === 0) break;
      at += next;
    }
    needs.push({ library: text(layout.u32(record, 4)), versions });
  }
  return needs;
}
