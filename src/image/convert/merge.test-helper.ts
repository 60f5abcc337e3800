// SPDX-License-Identifier: Apache-2.0
// Small images for the tests of the merge: layers as lists of entries, the merged tree as lines.
import type { TarEntry } from '../../formats/tar/index.ts';
import { addSkeleton } from './add-skeleton.ts';
import { type LayerIndex, createLayerIndex } from './layer-index.ts';
import { mergeLayer } from './merge-layer.ts';
import { type EntryReference, type MergedTree, createMergedTree, rootNode } from './merged-tree.ts';
import { type WarningCounts, createWarningCounts } from './warnings.ts';

export type EntryFields = Partial<Omit<TarEntry, 'path' | 'linkTarget'>> & { path: string; linkTarget?: string };

function makeEntry(fields: EntryFields): TarEntry {
  return {
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    sizeBytes: 0,
    devMajor: 0,
    devMinor: 0,
    xattrs: new Map(),
    ...fields,
    path: Buffer.from(fields.path, 'latin1'),
    linkTarget: Buffer.from(fields.linkTarget ?? '', 'latin1'),
  };
}

export const dir = (path: string, mode = 0o755): EntryFields => ({ path, type: 'directory', mode });
/** A file; its size is what tells contents apart here. */
export const file = (path: string, sizeBytes = 0): EntryFields => ({ path, sizeBytes });
export const symlink = (path: string, linkTarget: string): EntryFields => ({ path, type: 'symlink', linkTarget });
export const hardlink = (path: string, linkTarget: string): EntryFields => ({ path, type: 'hardlink', linkTarget });

export type Merged = {
  readonly tree: MergedTree;
  readonly indexes: readonly LayerIndex[];
  readonly warnings: WarningCounts;
};

export function merge(
  layers: readonly (readonly EntryFields[])[],
  options: { readonly maxEntries?: number; readonly hasSkeleton?: boolean } = {},
): Merged {
  const own = createLayerIndex();
  const indexes = [own];
  const warnings = createWarningCounts();
  const tree = createMergedTree(indexes, { maxEntries: options.maxEntries ?? 1000 });
  const implicit: EntryReference = { layer: 0, entry: own.add(makeEntry(dir('/'))) };
  tree.setRoot(implicit);
  const emptyFile = (): EntryReference => ({ layer: 0, entry: own.add(makeEntry(file('/'))) });
  const target = { tree, warnings, implicitDirectory: () => implicit, emptyFile };
  for (const [number, entries] of layers.entries()) {
    const index = createLayerIndex();
    for (const fields of entries) index.add(makeEntry(fields));
    indexes.push(index);
    mergeLayer(target, index, { layer: number + 1, layerName: `layer ${number}` });
  }
  if (options.hasSkeleton === true) addSkeleton(target);
  return { tree, indexes, warnings };
}

/**
 * Each path with what is there: `/` a directory, `=N` a file of N bytes, `->` a symlink, `?` anything else. Files of
 * one inode are told by the path that came first: `=N(first)`.
 */
export function show({ tree }: Merged): readonly string[] {
  const lines: string[] = [];
  const first = new Map<string, string>();
  const visit = (node: number): void => {
    for (const child of [...tree.childrenOf(node)].toSorted((a, b) => (tree.nameOf(a) < tree.nameOf(b) ? -1 : 1))) {
      const path = tree.pathOf(child);
      const type = tree.typeOf(child);
      if (type === 'directory') lines.push(`${path}/`);
      else if (type === 'symlink') lines.push(`${path} -> ${tree.linkTargetOf(child).toString('latin1')}`);
      else if (type === 'file') {
        const { layer, entry } = tree.referenceOf(child);
        const known = first.get(`${layer} ${entry}`);
        first.set(`${layer} ${entry}`, known ?? path);
        const size = tree.attributesOf(child).sizeBytes;
        lines.push(`${path} =${size}${known === undefined ? '' : `(${known})`}`);
      } else lines.push(`${path} ?`);
      if (type === 'directory') visit(child);
    }
  };
  visit(rootNode);
  return lines;
}
