// SPDX-License-Identifier: Apache-2.0
// Replacing libraries of an image by this machine's: its MPI, and its C library where what is brought in needs a newer one.
export { findGlibcReplacement } from './glibc.ts';
export { libraryCacheWith } from './library-cache.ts';
export { type MpiCompatibility, type MpiPair, planMpiReplacement } from './mpi.ts';
