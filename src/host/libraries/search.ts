// SPDX-License-Identifier: Apache-2.0
// Where ld.so(8) looks for a library: "Dynamic string tokens" and the order of its DESCRIPTION. A file of another
// architecture is passed over, as the loader does.
import { dirname } from 'node:path';
import { type ElfFile, machineName } from '../../formats/elf/index.ts';
import { type CachedLibrary, parseLdCache } from '../../formats/ld-cache/index.ts';
import { type LibraryTree, readElfAt, readSmallFile } from './library-tree.ts';

/** For whom a library must be. */
export type ElfTarget = Pick<ElfFile, 'class' | 'machine' | 'isLittleEndian'>;

export type SearchOptions = {
  /** As LD_LIBRARY_PATH. */
  readonly libraryPath?: string;
  /** Of glibc-hwcaps, best first: what the processor can do. None unless told. */
  readonly hwcaps?: readonly string[];
};

/** An object that needs a library: its own path and the search paths that it carries. */
export type Needer = { readonly path: string; readonly elf: ElfFile; readonly neededBy: Needer | undefined };

export type LibrarySearch = {
  readonly find: (
    name: string,
    target: ElfTarget,
    needer?: Needer,
  ) => { readonly path: string; readonly elf: ElfFile } | undefined;
  /** The entries of the tree's ld.so.cache; none where it has none. */
  readonly cached: () => readonly CachedLibrary[];
  readonly read: (path: string) => ElfFile | undefined;
};

/** Debian's name of a machine's library directory. */
const multiarch: Readonly<Record<string, string>> = {
  x86_64: 'x86_64-linux-gnu',
  aarch64: 'aarch64-linux-gnu',
  i386: 'i386-linux-gnu',
  ppc64: 'powerpc64le-linux-gnu',
  s390: 's390x-linux-gnu',
  riscv: 'riscv64-linux-gnu',
  arm: 'arm-linux-gnueabihf',
};

export function createLibrarySearch(tree: LibraryTree, options: SearchOptions = {}): LibrarySearch {
  const hwcaps = options.hwcaps ?? [];
  const elves = new Map<string, ElfFile | undefined>();
  const read = (path: string): ElfFile | undefined => {
    if (!elves.has(path)) elves.set(path, readElfAt(tree, path));
    return elves.get(path);
  };
  let cache: readonly CachedLibrary[] | undefined;
  const cached = (): readonly CachedLibrary[] => {
    const bytes = cache === undefined ? readSmallFile(tree, '/etc/ld.so.cache') : undefined;
    return (cache ??= (bytes === undefined ? undefined : parseLdCache(bytes)) ?? []);
  };
  let byName: Map<string, CachedLibrary[]> | undefined;
  const cachedPaths = (name: string): readonly string[] => {
    byName ??= Map.groupBy(cached(), (entry) => entry.name);
    const entries = byName.get(name) ?? [];
    const rank = ({ hwcap }: CachedLibrary): number => (hwcap === undefined ? hwcaps.length : hwcaps.indexOf(hwcap));
    return entries
      .filter((entry) => rank(entry) >= 0)
      .toSorted((a, b) => rank(a) - rank(b))
      .map(({ path }) => path);
  };
  const inDirectories = (directories: readonly string[], name: string): readonly string[] =>
    directories.flatMap((directory) => [
      ...hwcaps.map((hwcap) => `${directory}/glibc-hwcaps/${hwcap}/${name}`),
      `${directory}/${name}`,
    ]);
  const accept = (
    paths: readonly string[],
    target: ElfTarget,
  ): { readonly path: string; readonly elf: ElfFile } | undefined => {
    for (const path of paths) {
      const elf = read(path);
      if (elf?.kind === 'shared' && isFor(elf, target)) return { path, elf };
    }
    return undefined;
  };

  return {
    cached,
    read,
    find: (name, target, needer) => {
      if (name.includes('/')) return accept([name], target);
      const expand = (list: string | undefined, origin: string): readonly string[] =>
        expandList(list, { origin: dirname(tree.realPath(origin) ?? origin), target });
      return (
        accept(inDirectories(rpathsOf(needer, expand), name), target) ??
        accept(inDirectories(expand(options.libraryPath, '/'), name), target) ??
        accept(inDirectories(expand(needer?.elf.runpath, needer?.path ?? '/'), name), target) ??
        accept(cachedPaths(name), target) ??
        accept(inDirectories(defaultDirectories(target), name), target)
      );
    },
  };
}

function isFor(elf: ElfTarget, target: ElfTarget): boolean {
  return elf.class === target.class && elf.machine === target.machine && elf.isLittleEndian === target.isLittleEndian;
}

/** DT_RPATH of the object and of those that brought it in; an object's own RUNPATH switches all of them off. */
function rpathsOf(
  needer: Needer | undefined,
  expand: (list: string | undefined, origin: string) => readonly string[],
): readonly string[] {
  if (needer?.elf.runpath !== undefined) return [];
  const found: string[] = [];
  // A chain of needers is as long as a dependency is deep.
  for (let each = needer; each !== undefined; each = each.neededBy) {
    if (each.elf.runpath === undefined) found.push(...expand(each.elf.rpath, each.path));
  }
  return found;
}

/** A colon list with $ORIGIN, $LIB and $PLATFORM replaced; what is not absolute then depends on no fixed place. */
function expandList(
  list: string | undefined,
  given: { readonly origin: string; readonly target: ElfTarget },
): readonly string[] {
  const machine = machineName(given.target.machine);
  const lib = given.target.class === 64 ? 'lib64' : 'lib';
  return (list ?? '').split(':').flatMap((item) => {
    const each = (libName: string): string =>
      item.replaceAll(/\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)\b)/g, (_, braced: string, bare: string) => {
        const token = braced ?? bare;
        return token === 'ORIGIN' ? given.origin : token === 'LIB' ? libName : machine;
      });
    const debian = multiarch[machine];
    const paths = new Set([...(debian === undefined ? [] : [each(`lib/${debian}`)]), each(lib)]);
    return [...paths].filter((path) => path.startsWith('/'));
  });
}

/** What glibc is built to look in, by Debian's layout and by everyone else's; musl's are among them. */
function defaultDirectories(target: ElfTarget): readonly string[] {
  const debian = multiarch[machineName(target.machine)];
  return [
    ...(debian === undefined ? [] : [`/lib/${debian}`, `/usr/lib/${debian}`]),
    ...(target.class === 64 ? ['/lib64', '/usr/lib64'] : []),
    '/lib',
    '/usr/lib',
    '/usr/local/lib',
  ];
}
