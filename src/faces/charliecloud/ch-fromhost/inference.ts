// SPDX-License-Identifier: Apache-2.0
// Where a file goes, by its path on the host alone.

/** Whether a path is taken for a library's, wherever it then goes. */
export function isLibrary(path: string): boolean {
  return path.includes('/lib') || path.endsWith('.so');
}

/** Whether a path is taken for a program's. */
export function isProgram(path: string): boolean {
  return path.includes('/bin') || path.includes('/sbin');
}

/** A provider of libfabric, and a libfabric itself. */
export function isProvider(path: string): boolean {
  return path.endsWith('-fi.so');
}
export function isFabric(path: string): boolean {
  return path.endsWith('libfabric.so');
}
