// SPDX-License-Identifier: Apache-2.0
// The libraries of an image, as its own cache of them has it; where it has none, those in the usual directories.
import { basename } from 'node:path';
import { createLibrarySearch, type LibraryTree, type LibraryVersion, libraryVersion } from '../libraries/index.ts';

export type GuestLibrary = {
  readonly path: string;
  /** Free of links: what a replacement is mounted over. */
  readonly realPath: string;
  readonly version: LibraryVersion;
};

const usualDirectories = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
  '/usr/local/lib',
] as const;

export function guestLibraries(tree: LibraryTree): readonly GuestLibrary[] {
  const cached = createLibrarySearch(tree).cached();
  const paths =
    cached.length > 0 ? cached.map(({ path }) => path) : usualDirectories.flatMap((path) => list(tree, path));
  const found = new Map<string, GuestLibrary>();
  for (const path of paths) {
    if (found.has(path)) continue;
    const realPath = tree.realPath(path);
    const version = realPath === undefined ? undefined : versionAt(path, realPath);
    if (realPath !== undefined && version !== undefined) found.set(path, { path, realPath, version });
  }
  return [...found.values()];
}

/** A library's version by its own name and that of the file that it leads to. */
export function versionAt(path: string, realPath: string): LibraryVersion | undefined {
  return libraryVersion([basename(path), basename(realPath)]);
}

function list(tree: LibraryTree, directory: string): readonly string[] {
  return (tree.listDirectory(directory) ?? [])
    .filter((name) => name.includes('.so'))
    .map((name) => `${directory}/${name}`);
}
