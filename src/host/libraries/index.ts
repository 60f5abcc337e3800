// SPDX-License-Identifier: Apache-2.0
// Shared libraries, of this machine or in an image: where a dynamic loader finds them, and what they need.
export { type FoundLibrary, type LibraryClosure, type MissingLibrary, resolveLibraries } from './closure.ts';
export { machineLibraries, machineTree } from './machine-libraries.ts';
export { createLibrarySearch, type ElfTarget, type LibrarySearch, type SearchOptions } from './search.ts';
export { type LibraryTree, type TreeFile } from './library-tree.ts';
export { fileVersion, type LibraryVersion, libraryVersion, linkerName } from './version.ts';
