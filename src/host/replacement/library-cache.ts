// SPDX-License-Identifier: Apache-2.0
// What ldconfig would write into an image after libraries were mounted into it: its own cache, with theirs in front.
import { posix } from 'node:path';
import { machineName } from '../../formats/elf/index.ts';
import { type CachedLibrary, encodeLdCache } from '../../formats/ld-cache/index.ts';
import { createLibrarySearch, type LibraryTree } from '../libraries/index.ts';

/** The cache's flags for a 64-bit library of the C library's present interface (glibc's ldconfig.h). */
const flagsOf: Readonly<Record<string, number>> = {
  x86_64: 0x0303,
  aarch64: 0x0a03,
  ppc64: 0x0503,
  s390: 0x0403,
};
const always = ['/lib', '/usr/lib', '/lib64', '/usr/lib64'] as const;

/** Where glibc's loader stands: what reads a cache. */
const loaders = [
  '/lib64/ld-linux-x86-64.so.2',
  '/lib/ld-linux-aarch64.so.1',
  '/lib64/ld64.so.2',
  '/lib/ld64.so.1',
] as const;

/**
 * The bytes, as Latin-1 text; undefined where the image's C library reads none, or nothing is to be added.
 * @param mounted libraries of the host, and where in the container they stand; only directories count that ldconfig would
 *   look into: the usual ones, and those of which something is in the cache already
 */
export function libraryCacheWith(
  image: LibraryTree,
  host: LibraryTree,
  mounted: readonly { readonly source: string; readonly target: string }[],
): string | undefined {
  const cached = createLibrarySearch(image).cached();
  if (cached.length === 0 && loaders.every((path) => image.realPath(path) === undefined)) return undefined;
  const directories = new Set([...always, ...cached.map(({ path }) => posix.dirname(path))]);
  const read = createLibrarySearch(host).read;
  const added = mounted.flatMap(({ source, target }): readonly CachedLibrary[] => {
    if (!directories.has(posix.dirname(target)) || !posix.basename(target).includes('.so')) return [];
    const elf = read(source);
    const flags = elf?.class === 64 ? flagsOf[machineName(elf.machine)] : undefined;
    if (elf === undefined || flags === undefined) return [];
    const names = new Set([elf.soname ?? posix.basename(target), posix.basename(target)]);
    return [...names].map((name) => ({ name, path: target, flags, hwcap: undefined }));
  });
  return added.length === 0 ? undefined : encodeLdCache([...added, ...cached]).toString('latin1');
}
