// SPDX-License-Identifier: Apache-2.0
import { type ElfFile, readElf } from '../../formats/elf/index.ts';

/** A file that is open for reading. */
export type TreeFile = {
  readonly sizeBytes: number;
  readonly read: (offset: number, length: number) => Buffer;
  readonly close: () => void;
};

/** The files that a dynamic loader would look at: this machine's, or those of an image that is not mounted. */
export type LibraryTree = {
  /** A regular file, links followed inside the tree; undefined for anything else, also for what may not be read. */
  readonly openFile: (path: string) => TreeFile | undefined;
  /** The names in a directory, sorted; undefined where there is none. */
  readonly listDirectory: (path: string) => readonly string[] | undefined;
  /** The path of a file without links; undefined where it leads nowhere. */
  readonly realPath: (path: string) => string | undefined;
};

const maxCacheBytes = 64 << 20;

/** The library or program at `path`, or undefined where there is none that can be used. */
export function readElfAt(tree: LibraryTree, path: string): ElfFile | undefined {
  const file = tree.openFile(path);
  if (file === undefined) return undefined;
  try {
    const result = readElf(file);
    return result.ok ? result.elf : undefined;
  } finally {
    file.close();
  }
}

/** A file's bytes as long as they are no more than a cache of libraries ever takes. */
export function readSmallFile(tree: LibraryTree, path: string): Buffer | undefined {
  const file = tree.openFile(path);
  if (file === undefined) return undefined;
  try {
    return file.sizeBytes <= maxCacheBytes ? file.read(0, file.sizeBytes) : undefined;
  } finally {
    file.close();
  }
}
