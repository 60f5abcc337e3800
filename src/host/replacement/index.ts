// SPDX-License-Identifier: Apache-2.0
// Replacing libraries of an image by this machine's: its MPI, and its C library where what is brought in needs a newer one.
export { findGlibcReplacement, type GlibcReplacement, glibcVersionOf } from './glibc.ts';
export { type GuestLibrary, guestLibraries } from './guest-libraries.ts';
export { libraryCacheWith } from './library-cache.ts';
export {
  type MpiCompatibility,
  type MpiPair,
  type MpiReplacement,
  type MpiSettings,
  planMpiReplacement,
} from './mpi.ts';
