// SPDX-License-Identifier: Apache-2.0
// What a program or library says of itself.

export type ElfClass = 32 | 64;

/** Symbol versions that an object wants of a library: GNU's `.gnu.version_r`. */
export type NeededVersions = {
  /** The library's DT_NEEDED name. */
  readonly library: string;
  /** Such as `GLIBC_2.34`; those that are weak (may be missing) are left out. */
  readonly versions: readonly string[];
};

/** Names are as their bytes in Latin-1: they are file names, and need not be UTF-8. */
export type ElfFile = {
  readonly class: ElfClass;
  readonly isLittleEndian: boolean;
  /** e_machine: EM_X86_64 is 62, EM_AARCH64 183. */
  readonly machine: number;
  readonly kind: 'executable' | 'shared' | 'other';
  /** PT_INTERP: the dynamic loader that a program asks for. */
  readonly interpreter: string | undefined;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  readonly soname: string | undefined;
  /** DT_RPATH and DT_RUNPATH, as colon lists. */
  readonly rpath: string | undefined;
  readonly runpath: string | undefined;
  /** Symbol versions that the object gives, its own base name left out. */
  readonly definedVersions: readonly string[];
  readonly neededVersions: readonly NeededVersions[];
};

/** `reason` completes "it is no ELF file that can be used: …". */
export type ElfResult =
  | { readonly ok: true; readonly elf: ElfFile }
  | { readonly ok: false; readonly isElf: boolean; readonly reason: string };

const machines: Readonly<Record<number, string>> = {
  3: 'i386',
  21: 'ppc64',
  22: 's390',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv',
  258: 'loongarch',
};

/** A machine's usual name. */
export function machineName(machine: number): string {
  return machines[machine] ?? `machine ${machine}`;
}
