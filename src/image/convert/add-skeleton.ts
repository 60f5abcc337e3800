// SPDX-License-Identifier: Apache-2.0
// What every image must have so that it can be run read-only: directories and files for the launcher to mount on.
import { type MergedTree, rootNode } from './merged-tree.ts';
import { createPathResolver } from './tree-path.ts';
import type { MergeTarget } from './merge-layer.ts';

const directories: readonly (readonly string[])[] = [
  ['proc'],
  ['sys'],
  ['tmp'],
  ['etc'],
  ['home'],
  ['root'],
  ['run'],
  ['var', 'tmp'],
  ['mnt'],
  ['usr', 'bin'],
];
const files: readonly string[] = ['passwd', 'group', 'resolv.conf', 'hosts'];

/**
 * Adds what is missing. `/dev` becomes an empty directory: a launch always mounts over it. Elsewhere what the image
 * has is kept, unless nothing can be mounted on it: a file or a dangling symlink where a directory must be, a dangling symlink
 * where a file must be, and any absolute symlink at /etc/resolv.conf, which is meant for the machine it points into.
 */
export function addSkeleton(
  target: MergeTarget & { readonly emptyFile: () => { readonly layer: number; readonly entry: number } },
): void {
  const { tree, warnings } = target;
  const resolver = createPathResolver(tree);

  const ensureDirectory = (parts: readonly string[]): number => {
    let at = rootNode;
    for (const [depth, part] of parts.entries()) {
      const found = resolve(resolver, parts.slice(0, depth + 1));
      if (found !== undefined && tree.typeOf(found) === 'directory') {
        at = found;
      } else {
        if (tree.lookup(at, part) !== undefined) warnings.count('files-replaced');
        at = tree.put(at, part, target.implicitDirectory());
      }
    }
    return at;
  };

  emptyDev(tree, target);
  for (const parts of directories) ensureDirectory(parts);

  const etc = ensureDirectory(['etc']);
  for (const name of files) {
    const node = tree.lookup(etc, name);
    if (node !== undefined && isMountable(tree, resolver, node)) continue;
    if (node !== undefined) warnings.count('files-replaced');
    tree.put(etc, name, target.emptyFile());
  }
}

type Resolver = ReturnType<typeof createPathResolver>;

/** What is at a path, or undefined also where it loops or leads through a file. */
function resolve(resolver: Resolver, parts: readonly string[]): number | undefined {
  try {
    return resolver.target(parts);
  } catch {
    return undefined;
  }
}

function isMountable(tree: MergedTree, resolver: Resolver, node: number): boolean {
  if (tree.typeOf(node) === 'file') return true;
  if (tree.typeOf(node) !== 'symlink') return false;
  if (tree.nameOf(node) === 'resolv.conf' && tree.linkTargetOf(node)[0] === 0x2f) return false;
  const target = resolve(resolver, tree.pathOf(node).split('/'));
  return target !== undefined && tree.typeOf(target) === 'file';
}

function emptyDev(tree: MergedTree, target: MergeTarget): void {
  const dev = tree.lookup(rootNode, 'dev');
  if (dev !== undefined && tree.typeOf(dev) === 'directory') {
    for (const child of tree.childrenOf(dev)) tree.remove(child);
  } else {
    tree.put(rootNode, 'dev', target.implicitDirectory());
  }
}
