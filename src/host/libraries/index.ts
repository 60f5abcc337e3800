// SPDX-License-Identifier: Apache-2.0
// Shared libraries, of this machine or in an image: where a dynamic loader finds them, and what they need.
export { resolveLibraries } from './closure.ts';
export { machineLibraries, machineTree } from './machine-libraries.ts';
export { createLibrarySearch, type LibrarySearch } from './search.ts';
export { type LibraryTree } from './library-tree.ts';
export { fileVersion, type LibraryVersion, libraryVersion } from './version.ts';
