// SPDX-License-Identifier: Apache-2.0
// A library or program and all that it needs, in the order in which a loader would load them: breadth first, each name
// once (ld.so(8); the gABI's "Shared Object Dependencies").
import { basename } from 'node:path';
import type { ElfFile } from '../../formats/elf/index.ts';
import type { ElfTarget, LibrarySearch, Needer } from './search.ts';

export type FoundLibrary = {
  /** As it is asked for: a DT_NEEDED name, or the path that the search began with. */
  readonly name: string;
  readonly path: string;
  readonly elf: ElfFile;
  readonly neededBy: string | undefined;
};

export type MissingLibrary = { readonly name: string; readonly neededBy: string | undefined };

export type LibraryClosure = {
  /** What the search began with comes first. */
  readonly libraries: readonly FoundLibrary[];
  readonly missing: readonly MissingLibrary[];
};

/** No real closure comes near; one that goes on is a tree made to keep the search busy. */
const maxLibraries = 4096;

/**
 * Follows what `start` needs. A member of `start` with a slash is a path, any other a library's name, for which `target`
 * must say for whom; a path's own class and machine apply to what it needs.
 */
export function resolveLibraries(search: LibrarySearch, start: readonly string[], target?: ElfTarget): LibraryClosure {
  const libraries: FoundLibrary[] = [];
  const missing: MissingLibrary[] = [];
  const known = new Set<string>();
  const queue: {
    readonly name: string;
    readonly target: ElfTarget | undefined;
    readonly needer: Needer | undefined;
  }[] = start.map((name) => ({ name, target, needer: undefined }));
  for (let next = queue.shift(); next !== undefined && libraries.length < maxLibraries; next = queue.shift()) {
    const { name, needer } = next;
    if (known.has(name)) continue;
    known.add(name);
    const found = findOne(search, next);
    if (found === undefined) {
      missing.push({ name, neededBy: needer?.path });
      continue;
    }
    const { path, elf } = found;
    // Loaded under one name, a library answers to its soname as well, and to its path.
    if (libraries.some((library) => library.path === path)) continue;
    for (const alias of [path, elf.soname, needer === undefined ? basename(path) : undefined]) {
      if (alias !== undefined) known.add(alias);
    }
    libraries.push({ name, path, elf, neededBy: needer?.path });
    for (const needed of elf.needed) queue.push({ name: needed, target: elf, needer: { path, elf, neededBy: needer } });
  }
  return { libraries, missing };
}

function findOne(
  search: LibrarySearch,
  wanted: { readonly name: string; readonly target: ElfTarget | undefined; readonly needer: Needer | undefined },
): { readonly path: string; readonly elf: ElfFile } | undefined {
  const { name, target, needer } = wanted;
  if (target !== undefined) return search.find(name, target, needer);
  const elf = name.startsWith('/') ? search.read(name) : undefined;
  return elf === undefined ? undefined : { path: name, elf };
}
