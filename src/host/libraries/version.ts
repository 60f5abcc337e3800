// SPDX-License-Identifier: Apache-2.0
// A library's version as its file name tells it: libtool's and ldconfig's `libNAME.so.MAJOR.MINOR.PATCH`. The file name
// of a link is refined by what it leads to: `libmpi.so.12` → `libmpi.so.12.2.4`.
import { basename } from 'node:path';

export type LibraryVersion = {
  /** `libmpi.so`: what the linker is given. */
  readonly linkerName: string;
  /** What stands behind `.so`, each a number; empty where nothing does. */
  readonly numbers: readonly number[];
};

const versioned = /^(?<linker>.+?\.so)(?<numbers>(?:\.[0-9]{1,9})*)$/;

/** The file name's own version; undefined for what is not named like a shared library. */
export function fileVersion(path: string): LibraryVersion | undefined {
  const match = versioned.exec(basename(path))?.groups;
  if (match === undefined) return undefined;
  const numbers = (match['numbers'] ?? '').split('.').slice(1).map(Number);
  return { linkerName: match['linker'] ?? '', numbers };
}

/**
 * The version of the library at `path`, of which `names` are the names along its chain of links, itself first: the most
 * precise of them that says nothing else than the ones before.
 */
export function libraryVersion(names: readonly string[]): LibraryVersion | undefined {
  const [first, ...rest] = names.map(fileVersion);
  if (first === undefined) return undefined;
  return rest.reduce<LibraryVersion>((version, next) => {
    if (next === undefined || next.linkerName !== first.linkerName) return version;
    const [short, long] =
      next.numbers.length >= version.numbers.length ? [version.numbers, next.numbers] : [next.numbers, version.numbers];
    const isExtension = short.every((number, index) => number === long[index]);
    return isExtension && long === next.numbers ? next : version;
  }, first);
}
