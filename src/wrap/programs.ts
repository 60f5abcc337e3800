// SPDX-License-Identifier: Apache-2.0
// Which wrappers an installation gets: the executables and links of each directory that is named, and each file that is.
import { basename, posix } from 'node:path';
import type { Emit } from '../model/index.ts';
import type { WrapEvent } from './events.ts';

/** A tree to look for programs in; paths are those inside, absolute. */
export type ProgramTree = {
  /** What stands at a path; `link`: one that leads out of the tree, or nowhere. */
  readonly kindOf: (path: string) => 'program' | 'file' | 'directory' | 'link' | undefined;
  /** The names in a directory. */
  readonly list: (directory: string) => readonly string[];
};

/**
 * Finds the programs: their paths in the tree, by name. A path that is not there, and a name that is there twice, are
 * warned of.
 * @param paths absolute paths in the tree
 */
export function findPrograms(
  tree: ProgramTree,
  paths: readonly string[],
  options: { readonly wrapsAll: boolean; readonly emit: Emit<WrapEvent> },
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const warn = (text: string): void => options.emit({ type: 'warning', text });
  const add = (path: string): void => {
    const name = basename(path);
    const before = found.get(name);
    if (before === undefined) found.set(name, path);
    else if (before !== path) warn(`${path}: there is a wrapper named ${name} already, for ${before}`);
  };
  for (const path of paths) {
    const kind = tree.kindOf(path);
    if (kind === undefined) {
      warn(`${path}: there is no such file or directory to make wrappers for`);
    } else if (kind === 'directory') {
      for (const name of tree.list(path)) {
        const each = posix.join(path, name);
        const eachKind = tree.kindOf(each);
        if (eachKind === 'program' || eachKind === 'link' || (options.wrapsAll && eachKind === 'file')) add(each);
      }
    } else {
      add(path);
    }
  }
  return found;
}
