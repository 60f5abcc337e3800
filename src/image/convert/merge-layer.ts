// SPDX-License-Identifier: Apache-2.0
// One layer onto the merged tree, entry by entry (OCI image-spec, "Image Layer Filesystem Changeset"): additions
// replace, `.wh.NAME` removes, `.wh..wh..opq` empties a directory. Both kinds of whiteout concern lower layers only,
// wherever they stand in the layer: what the layer itself has put there stays.
import { SlipwayError } from '../../model/index.ts';
import type { LayerIndex } from './layer-index.ts';
import { RefusedName, showName } from './layer-errors.ts';
import { type MergedTree, rootNode } from './merged-tree.ts';
import { createPathResolver, splitName } from './tree-path.ts';
import type { WarningCounts } from './warnings.ts';

const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';
/** What aufs kept beside the files (`.wh..wh.plnk`, `.wh..wh.aufs`); it means nothing elsewhere. */
const aufsPrefix = '.wh..wh.';

export type MergeTarget = {
  readonly tree: MergedTree;
  /** Makes the entry of a directory that is named in paths only. */
  readonly implicitDirectory: () => { readonly layer: number; readonly entry: number };
  readonly warnings: WarningCounts;
  /** Whether names that begin with `.wh.` mean anything; they do unless given. */
  readonly whiteouts?: 'apply' | 'literal';
};

/**
 * @param layer the number under which `index` stands in the tree's list: 1 for the base.
 * @param layerName how errors name the layer.
 * @throws SlipwayError `layer-entry-refused` on an entry that no tree can hold, `image-too-large`.
 */
export function mergeLayer(
  target: MergeTarget,
  index: LayerIndex,
  place: { readonly layer: number; readonly layerName: string },
): void {
  const { tree, warnings } = target;
  const { layer } = place;
  const hasWhiteouts = target.whiteouts !== 'literal';
  const resolver = createPathResolver(tree);
  /** Directories whose lower children are gone already: each is emptied at most once a layer. */
  const emptied = new Set<number>();

  // Neighbours in an archive mostly share their directory.
  let lastDirectory = '';
  let lastNode: number | undefined;
  let lastVersion = -1;
  const makeDirectory = (parent: number, name: string): number => {
    const node = tree.put(parent, name, target.implicitDirectory());
    tree.touch(node, layer);
    return node;
  };
  const directoryOf = (parts: readonly string[], text: string, isMade: boolean): number | undefined => {
    if (text === lastDirectory && lastNode !== undefined && lastVersion === tree.version()) return lastNode;
    const node = resolver.directory(parts, isMade ? makeDirectory : undefined);
    lastDirectory = text;
    lastNode = node;
    lastVersion = tree.version();
    return node;
  };

  const mergeEntry = (number: number, path: string): void => {
    const parts = splitName(path);
    const name = parts.pop();
    if (hasWhiteouts && parts.some((part) => part.startsWith(whiteoutPrefix))) {
      warnings.count('names-ignored');
      return;
    }
    if (name === undefined) {
      if (index.typeOf(number) !== 'directory') throw new RefusedName('it stands for the root but is no directory');
      tree.setRoot({ layer, entry: number });
      return;
    }
    const directoryText = parts.join('/');
    if (hasWhiteouts && name.startsWith(whiteoutPrefix)) {
      whiteout(name, () => directoryOf(parts, directoryText, false));
      return;
    }
    if (hasWhiteouts && index.isOverlayWhiteout(number)) {
      throw new RefusedName("it is overlayfs's mark of a removed file (device 0:0), which layers spell .wh.NAME");
    }
    const directory = directoryOf(parts, directoryText, true) ?? rootNode;
    if (index.typeOf(number) === 'hardlink') {
      link(directory, name, number);
    } else {
      tree.touch(tree.put(directory, name, { layer, entry: number }), layer);
    }
  };

  const link = (directory: number, name: string, number: number): void => {
    const parts = splitName(index.linkTargetOf(number).toString('latin1'));
    const targetName = parts.pop();
    const targetDirectory = targetName === undefined ? undefined : resolver.directory(parts);
    // The last component is not followed: a hard link to a symlink is another name of the symlink.
    const file = targetDirectory === undefined ? undefined : tree.lookup(targetDirectory, targetName ?? '');
    if (file === undefined) throw new RefusedName('it is a hard link to a file that is not there');
    if (tree.typeOf(file) === 'directory') throw new RefusedName('it is a hard link to a directory');
    const isItself = tree.lookup(directory, name) === file;
    tree.touch(isItself ? file : tree.put(directory, name, tree.referenceOf(file)), layer);
  };

  const whiteout = (name: string, findDirectory: () => number | undefined): void => {
    if (name.startsWith(aufsPrefix) && name !== opaqueName) return;
    const removed = name.slice(whiteoutPrefix.length);
    if (removed === '' || removed === '.' || removed === '..') {
      throw new RefusedName('it is a whiteout that names no file');
    }
    const directory = findDirectory();
    if (directory === undefined) return;
    if (name === opaqueName) {
      removeLowerChildren(directory);
      return;
    }
    const node = tree.lookup(directory, removed);
    if (node !== undefined) removeLower(node);
  };

  const removeLower = (node: number): void => {
    if (!tree.isTouchedBy(node, layer)) tree.remove(node);
    else if (tree.typeOf(node) === 'directory') removeLowerChildren(node);
  };

  const removeLowerChildren = (top: number): void => {
    const pending = [top];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      if (emptied.has(directory)) continue;
      emptied.add(directory);
      for (const child of tree.childrenOf(directory)) {
        if (!tree.isTouchedBy(child, layer)) tree.remove(child);
        else if (tree.typeOf(child) === 'directory') pending.push(child);
      }
    }
  };

  index.forEachPath((path, number) => {
    try {
      mergeEntry(number, path);
    } catch (error) {
      if (!(error instanceof RefusedName)) throw error;
      throw new SlipwayError('layer-entry-refused', {
        layer: place.layerName,
        entry: showName(path),
        reason: error.message,
      });
    }
  });
}
