// SPDX-License-Identifier: Apache-2.0
// Names from archives and link targets as paths in the merged tree. Names of entries are taken apart by components,
// never resolved on a disk; symlinks in the way are followed within the tree, whose root is its own parent, as umoci,
// containerd and docker do.
import { RefusedName } from './layer-errors.ts';
import { type MergedTree, rootNode } from './merged-tree.ts';

/** NAME_MAX of Linux. */
const maxNameBytes = 255;
/** As Linux: MAXSYMLINKS. */
const maxSymlinksOnPath = 40;
/** Over all entries of a layer, so that links to links can't cost hours. */
const maxSymlinkSteps = 50_000_000;

/**
 * The components of a name in an archive, `.` and empty ones left out and `..` applied as text.
 * @throws RefusedName when it climbs above the root or a component is too long.
 */
export function splitName(name: string): string[] {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (parts.pop() === undefined) throw new RefusedName('its name leads out of the image');
    } else {
      if (part.length > maxNameBytes) throw new RefusedName('a component of its name is longer than 255 bytes');
      parts.push(part);
    }
  }
  return parts;
}

export type PathResolver = {
  /**
   * The directory at a path, all of whose symlinks are followed. With `makeDirectory` missing ones are made by it;
   * without it undefined is the answer, as it is where a file is in the way.
   * @throws RefusedName where directories are to be made and a file is in the way, or too many symlinks are.
   */
  readonly directory: (
    parts: readonly string[],
    makeDirectory?: (parent: number, name: string) => number,
  ) => number | undefined;
  /** What a path leads to, the last component's symlink followed as well; undefined where nothing is. */
  readonly target: (parts: readonly string[]) => number | undefined;
};

export function createPathResolver(tree: MergedTree): PathResolver {
  let symlinkSteps = 0;

  /** Walks `parts`; `missing` says what a missing component of a directory becomes. */
  const walk = (
    start: readonly string[],
    missing: (parent: number, name: string) => number | undefined,
  ): number | undefined => {
    // The components still to come, last first.
    const rest = start.toReversed();
    let symlinks = 0;
    let at = rootNode;
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = tree.parentOf(at);
        continue;
      }
      if (symlinks > 0) symlinkSteps += 1;
      if (symlinkSteps > maxSymlinkSteps) {
        throw new RefusedName('its layer follows symbolic links without end');
      }
      const child = tree.lookup(at, part) ?? (tree.typeOf(at) === 'directory' ? missing(at, part) : undefined);
      if (child === undefined) return undefined;
      if (tree.typeOf(child) !== 'symlink') {
        at = child;
        continue;
      }
      symlinks += 1;
      if (symlinks > maxSymlinksOnPath) throw new RefusedName('its path goes through too many symbolic links');
      const target = tree.linkTargetOf(child).toString('latin1');
      if (target.startsWith('/')) at = rootNode;
      for (const next of target.split('/').reverse()) rest.push(next);
    }
    return at;
  };

  const directory = (
    parts: readonly string[],
    makeDirectory?: (parent: number, name: string) => number,
  ): number | undefined => {
    const found = walk(parts, (parent, name) => makeDirectory?.(parent, name));
    if (found !== undefined && tree.typeOf(found) === 'directory') return found;
    if (makeDirectory === undefined) return undefined;
    throw new RefusedName('a file is where a directory of its path should be');
  };
  return { directory, target: (parts) => walk(parts, () => undefined) };
}
