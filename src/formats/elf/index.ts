// SPDX-License-Identifier: Apache-2.0
// ELF files, as far as a dynamic loader looks at them: elf(5) and the System V ABI, with GNU's symbol versions.
export { type ByteSource, bytesOf } from './byte-window.ts';
export { readElf } from './read-elf.ts';
export { definesSymbol } from './symbol-lookup.ts';
export { type ElfFile, machineName } from './elf-file.ts';
