// SPDX-License-Identifier: Apache-2.0
// Whether an image's C library is to be covered by this machine's. A glibc names each of its versions among its symbol
// versions; the newest of them is its own, or one before it where it has brought none. Nothing has to be run for that, in the image least of all.
import { basename } from 'node:path';
import { createLibrarySearch, type LibraryTree } from '../libraries/index.ts';
import { guestLibraries } from './guest-libraries.ts';

export type GlibcReplacement =
  | { readonly is: 'needless'; readonly reason: string }
  | { readonly is: 'impossible'; readonly reason: string }
  | {
      readonly is: 'due';
      readonly hostVersion: string;
      readonly imageVersion: string;
      readonly mounts: readonly { readonly source: string; readonly target: string }[];
    };

/** Decides it; `libraries` are the host's that make up its C library, and must have libc itself among them. */
export function findGlibcReplacement(
  image: LibraryTree,
  host: LibraryTree,
  libraries: readonly string[],
): GlibcReplacement {
  const hostSearch = createLibrarySearch(host);
  const libc = libraries.find((path) => /^libc(?:\.so\.\d+|-[\d.]+\.so)$/.test(basename(path)));
  const hostElf = libc === undefined ? undefined : hostSearch.read(libc);
  if (libc === undefined || hostElf === undefined) {
    return { is: 'impossible', reason: "the host's C library is not among GLIBC_LIBS, or is not there" };
  }
  const search = createLibrarySearch(image);
  const guests = guestLibraries(image);
  const guest = guests.find(({ path }) => {
    if (!/^libc\.so\.\d+$/.test(basename(path))) return false;
    const elf = search.read(path);
    return elf?.class === 64 && elf.machine === hostElf.machine;
  });
  const guestElf = guest === undefined ? undefined : search.read(guest.path);
  if (guestElf === undefined) return { is: 'needless', reason: 'the image has no 64-bit C library of glibc' };
  const hostVersion = versionInName(host.realPath(libc)) ?? glibcVersionOf(hostElf);
  const imageVersion = versionInName(guest?.realPath) ?? glibcVersionOf(guestElf);
  if (hostVersion === undefined || imageVersion === undefined) {
    return { is: 'impossible', reason: 'a C library does not say which version it is' };
  }
  if (compareVersions(imageVersion, hostVersion) >= 0) {
    return { is: 'needless', reason: `the image's glibc ${imageVersion} is not older than the host's ${hostVersion}` };
  }
  if (hostElf.soname !== guestElf.soname) {
    return {
      is: 'impossible',
      reason: `the host's C library is ${hostElf.soname ?? 'without a name'}, the image's ${guestElf.soname ?? 'without a name'}`,
    };
  }
  const mounts = libraries.flatMap((source) => {
    const soname = hostSearch.read(source)?.soname ?? basename(source);
    const covered = guests
      .filter(({ path }) => basename(path) === soname && isSameKind(search.read(path), hostElf))
      .map(({ realPath }) => realPath);
    const targets = covered.length > 0 ? [...new Set(covered)] : [`/lib64/${basename(source)}`];
    return targets.map((target) => ({ source, target }));
  });
  return { is: 'due', hostVersion, imageVersion, mounts };
}

/** Of `libc-2.31.so`, as glibc called itself up to 2.33. */
function versionInName(path: string | undefined): string | undefined {
  return path === undefined ? undefined : /^libc-(\d+\.\d+)\.so$/.exec(basename(path))?.[1];
}

/** `2.36` of a libc, by the newest of its symbol versions GLIBC_2.N. */
function glibcVersionOf(elf: { readonly definedVersions: readonly string[] }): string | undefined {
  return elf.definedVersions
    .flatMap((name) => /^GLIBC_(\d+(?:\.\d+)+)$/.exec(name)?.[1] ?? [])
    .toSorted(compareVersions)
    .at(-1);
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isSameKind(
  elf: { readonly class: number; readonly machine: number } | undefined,
  other: { readonly class: number; readonly machine: number },
): boolean {
  return elf !== undefined && elf.class === other.class && elf.machine === other.machine;
}
