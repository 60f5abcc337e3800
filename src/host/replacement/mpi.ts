// SPDX-License-Identifier: Apache-2.0
// Which libraries of an image give way to the host's MPI, and whether they may. Libraries are paired by the name that a
// linker is given (libmpi.so), and fit by libtool's numbers: the first says whether an old program works with the library at
// all, the second what it has gained since. MPICH and its kin agreed on names and numbers (the MPICH ABI compatibility
// initiative); their older names stand for the agreed ones.
import { basename } from 'node:path';
import type { LibraryTree, LibraryVersion } from '../libraries/index.ts';
import { type GuestLibrary, guestLibraries, versionAt } from './guest-libraries.ts';

/** `major`: the first numbers must agree; `full`: and the host's second be no smaller; `strict`: and be the same. */
export type MpiCompatibility = 'major' | 'full' | 'strict';

export type MpiSettings = {
  readonly libraries: readonly string[];
  readonly dependencies: readonly string[];
  readonly compatibility: MpiCompatibility;
};

/** What becomes of one of the host's libraries. */
export type MpiPair = {
  readonly host: string;
  readonly hostVersion: LibraryVersion;
  /** The image's library that it was held against, the best of those with its name. */
  readonly guest: GuestLibrary | undefined;
  readonly isDependency: boolean;
  /** Where it is mounted: over the image's, or in /lib, by each of these names. */
  readonly targets: readonly string[];
  /** Why it does not simply take the image's place; in words. */
  readonly note: string | undefined;
};

export type MpiReplacement =
  | { readonly ok: true; readonly pairs: readonly MpiPair[] }
  /** `pairs` as far as they were decided. */
  | { readonly ok: false; readonly reason: string; readonly pairs: readonly MpiPair[] };

/** Libraries of the ABI initiative by their older names. */
const olderNames: Readonly<Record<string, readonly string[]>> = {
  'libmpi.so': ['libmpich.so'],
  'libmpicxx.so': ['libmpichcxx.so', 'libmpichcxx.so'],
  'libmpifort.so': ['libmpichfort.so', 'libmpichf90.so'],
  'libmpich.so': ['libmpi.so'],
};
const agreedMajor = 12;

/** Decides it for an image. Neither tree is changed; what stands in the image is believed as far as a name says. */
export function planMpiReplacement(image: LibraryTree, host: LibraryTree, settings: MpiSettings): MpiReplacement {
  const guests = guestLibraries(image);
  const pairs: MpiPair[] = [];
  const refuse = (reason: string): MpiReplacement => ({ ok: false, reason, pairs });
  const libraries: {
    readonly path: string;
    readonly version: LibraryVersion;
    readonly others: readonly GuestLibrary[];
  }[] = [];
  for (const path of settings.libraries) {
    const real = host.realPath(path);
    const version = real === undefined ? undefined : versionAt(path, real);
    if (version === undefined) return refuse(`the host's ${path} is no shared library that is there`);
    if (version.numbers.length === 0) return refuse(`the host's ${path} has no version in its name`);
    libraries.push({ path, version, others: namesakes(version, guests) });
  }
  if (libraries.every(({ others }) => others.length === 0)) {
    const names = libraries.map(({ version }) => version.linkerName).join(', ');
    return refuse(`the image has none of the host's MPI libraries (${names})`);
  }
  for (const { path, version, others } of libraries) {
    if (others.length > 0 && others.every((guest) => guest.version.numbers.length === 0)) {
      return refuse(`the image's ${others.map((guest) => guest.path).join(', ')} have no version in their names`);
    }
    const misfit = others.find((guest) => !fits(version, guest.version, settings.compatibility));
    if (misfit !== undefined) {
      return refuse(
        `the host's ${basename(path)} is ${shown(version)}, the image's ${misfit.path} is ${shown(misfit.version)}: ` +
          misfitReason(version, misfit.version, settings.compatibility),
      );
    }
    pairs.push(pairOf(path, version, { others, settings, guests, isDependency: false }));
  }
  for (const path of settings.dependencies) {
    const real = host.realPath(path);
    const version = real === undefined ? undefined : versionAt(path, real);
    if (real === undefined) return refuse(`the host's ${path} is not there`);
    const own = version ?? { linkerName: basename(path), numbers: [] };
    pairs.push(pairOf(path, own, { others: namesakes(own, guests), settings, guests, isDependency: true }));
  }
  return { ok: true, pairs };
}

function namesakes(version: LibraryVersion, guests: readonly GuestLibrary[]): readonly GuestLibrary[] {
  const same = guests.filter((guest) => guest.version.linkerName === version.linkerName);
  if (same.length > 0 || version.numbers[0] !== agreedMajor) return same;
  const older = olderNames[version.linkerName] ?? [];
  return guests.filter((guest) => older.includes(guest.version.linkerName) && guest.version.numbers[0] === agreedMajor);
}

function fits(host: LibraryVersion, guest: LibraryVersion, compatibility: MpiCompatibility): boolean {
  // A name without numbers is a link for the linker: it says nothing of its own.
  if (guest.numbers.length === 0) return true;
  if (number(host, 0) !== number(guest, 0)) return false;
  return compatibility !== 'strict' || number(host, 1) === number(guest, 1);
}

function misfitReason(host: LibraryVersion, guest: LibraryVersion, compatibility: MpiCompatibility): string {
  return number(host, 0) === number(guest, 0)
    ? `with MPI_COMPATIBILITY_TYPE=${compatibility} the second numbers must be the same`
    : 'the first numbers must be the same';
}

function pairOf(
  path: string,
  version: LibraryVersion,
  given: {
    readonly others: readonly GuestLibrary[];
    readonly settings: MpiSettings;
    readonly guests: readonly GuestLibrary[];
    readonly isDependency: boolean;
  },
): MpiPair {
  const { others, settings, isDependency } = given;
  const guest = bestOf(version, others);
  const isSame = guest !== undefined && number(version, 0) === number(guest.version, 0);
  const isOlder = guest !== undefined && number(version, 1) < number(guest.version, 1);
  const takesPlace = isSame && (settings.compatibility === 'major' || !isOlder);
  // Every name by which a loader may ask, where it looks whatever the image's cache says.
  const names = namesOf(version, {
    isBareKept: others.some((other) => number(other.version, 0) !== number(version, 0)),
  });
  const inLib = [...names, basename(path)].map((name) => `/lib/${name}`);
  const note =
    guest === undefined
      ? 'the image has none of this name'
      : !isSame
        ? `the image's ${guest.path} is ${shown(guest.version)}, another interface: both stay`
        : isOlder
          ? `the host's is older than the image's ${guest.path} (${shown(guest.version)}): functions that came later are missing`
          : undefined;
  const own = guest === undefined || !takesPlace ? [] : [guest.realPath];
  return {
    host: path,
    hostVersion: version,
    guest,
    isDependency,
    targets: [...new Set([...own, ...inLib])],
    note,
  };
}

/** The same version; else the newest that is not newer than the host's; else the oldest. */
function bestOf(version: LibraryVersion, guests: readonly GuestLibrary[]): GuestLibrary | undefined {
  const sorted = guests
    .filter((guest) => guest.version.numbers.length > 0)
    .toSorted((a, b) => compare(a.version.numbers, b.version.numbers));
  const exact = sorted.find((guest) => compare(guest.version.numbers, version.numbers) === 0);
  return exact ?? sorted.findLast((guest) => compare(guest.version.numbers, version.numbers) < 0) ?? sorted[0];
}

/** libmpi.so, libmpi.so.12, libmpi.so.12.1 …; the bare one not where other versions in the image may want it. */
function namesOf({ linkerName, numbers }: LibraryVersion, given: { readonly isBareKept: boolean }): readonly string[] {
  const names = numbers.map((_, index) => [linkerName, ...numbers.slice(0, index + 1)].join('.'));
  return given.isBareKept ? names : [linkerName, ...names];
}

function number({ numbers }: LibraryVersion, index: number): number {
  return numbers[index] ?? 0;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function shown({ numbers }: LibraryVersion): string {
  return `version ${numbers.join('.') || 'unknown'}`;
}
