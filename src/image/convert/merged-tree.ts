// SPDX-License-Identifier: Apache-2.0
// The merged image as a tree of names in memory. A node is a number; what it is stands in the layer index that it
// refers to by layer and entry number, so hard links are nodes with the same reference, and a file whose other
// name is removed or replaced keeps its content. About 120 bytes a node.
import type { TarEntryType } from '../../formats/tar/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { RefusedName } from './layer-errors.ts';
import type { EntryAttributes, LayerIndex } from './layer-index.ts';

/** Where a node's attributes and content come from. */
export type EntryReference = { readonly layer: number; readonly entry: number };

export const rootNode = 0;

export type MergedTree = {
  readonly nodeCount: () => number;
  readonly typeOf: (node: number) => TarEntryType;
  readonly attributesOf: (node: number) => EntryAttributes;
  readonly linkTargetOf: (node: number) => Buffer;
  readonly referenceOf: (node: number) => EntryReference;
  readonly parentOf: (node: number) => number;
  /** One character a byte; empty for the root. */
  readonly nameOf: (node: number) => string;
  /** From the root, without a leading slash; one character a byte. */
  readonly pathOf: (node: number) => string;
  readonly lookup: (directory: number, name: string) => number | undefined;
  readonly childrenOf: (directory: number) => Iterable<number>;
  /**
   * Puts an entry under a name, in place of what was there. A directory over a directory keeps the children.
   * @throws SlipwayError `image-too-large` beyond the limit of entries, RefusedName where the path gets too long.
   */
  readonly put: (directory: number, name: string, reference: EntryReference) => number;
  readonly remove: (node: number) => void;
  readonly setRoot: (reference: EntryReference) => void;
  /** Makes a directory below the root the root; what stood beside it is gone. */
  readonly replaceRoot: (directory: number) => void;
  /** Changes whenever a path that was resolved before may lead elsewhere. */
  readonly version: () => number;
  /** Marks a node and the directories above it as belonging to a layer. */
  readonly touch: (node: number, layer: number) => void;
  readonly isTouchedBy: (node: number, layer: number) => boolean;
};

/** Longest path, so that every file can be reached by an absolute path: PATH_MAX counts the slash and the NUL. */
const maxTreePathBytes = 4096 - 2;
const maxLayers = 0xffff;
/** A Map holds 2²⁴ entries and throws a RangeError at the next. */
const maxSiblings = 2 ** 24 - 1;

/**
 * A tree with nothing but a root, which refers to entry 0 of `indexes[0]`.
 * @param indexes grows as layers are added; index 0 is made by the caller, for what no layer has.
 */
export function createMergedTree(indexes: readonly LayerIndex[], limits: { readonly maxEntries: number }): MergedTree {
  let capacity = 1024;
  let used = 1;
  let alive = 1;
  let changes = 0;
  let parent = new Int32Array(capacity);
  let layer = new Uint16Array(capacity);
  let entry = new Uint32Array(capacity);
  let touched = new Uint16Array(capacity);
  let pathLength = new Uint16Array(capacity);
  const names: string[] = [''];
  const children: (Map<string, number> | undefined)[] = [undefined];

  const indexOf = (node: number): LayerIndex => {
    const index = indexes[layer[node] ?? 0];
    if (index === undefined) throw new RangeError('a node refers to no layer');
    return index;
  };
  const typeOf = (node: number): TarEntryType => indexOf(node).typeOf(entry[node] ?? 0);
  const lookup = (directory: number, name: string): number | undefined => children[directory]?.get(name);

  const refer = (node: number, reference: EntryReference): void => {
    if (reference.layer > maxLayers) throw new RangeError('an image has at most 65535 layers');
    layer[node] = reference.layer;
    entry[node] = reference.entry;
  };

  const grow = (): void => {
    capacity *= 2;
    parent = copyInto(new Int32Array(capacity), parent);
    layer = copyInto(new Uint16Array(capacity), layer);
    entry = copyInto(new Uint32Array(capacity), entry);
    touched = copyInto(new Uint16Array(capacity), touched);
    pathLength = copyInto(new Uint16Array(capacity), pathLength);
  };

  const put = (directory: number, name: string, reference: EntryReference): number => {
    const existing = lookup(directory, name);
    const index = indexes[reference.layer];
    if (existing !== undefined && index?.typeOf(reference.entry) === 'directory' && typeOf(existing) === 'directory') {
      refer(existing, reference);
      return existing;
    }
    const length = (pathLength[directory] ?? 0) + (directory === rootNode ? 0 : 1) + name.length;
    if (length > maxTreePathBytes) throw new RefusedName('its path gets longer than 4094 bytes');
    if (existing !== undefined) remove(existing);
    if ((children[directory]?.size ?? 0) >= maxSiblings) throw new RefusedName('its directory has too many entries');
    if (alive >= limits.maxEntries || used >= 0x7fff_ffff) {
      throw new SlipwayError('image-too-large', { what: 'files', limit: limits.maxEntries, option: 'maxEntries' });
    }
    if (used === capacity) grow();
    const node = used;
    used += 1;
    alive += 1;
    parent[node] = directory;
    pathLength[node] = length;
    refer(node, reference);
    // A piece of a string keeps the whole string in memory: here, the path of each entry.
    const ownName = Buffer.from(name, 'latin1').toString('latin1');
    names.push(ownName);
    children.push(undefined);
    const siblings = (children[directory] ??= new Map<string, number>());
    siblings.set(ownName, node);
    return node;
  };

  const remove = (node: number): void => {
    children[parent[node] ?? 0]?.delete(names[node] ?? '');
    changes += 1;
    forget(node);
  };

  /** Lets go of a removed subtree's memory, without recursion: trees may be as deep as paths are long. */
  const forget = (top: number): void => {
    const stack = [top];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      alive -= 1;
      names[node] = '';
      for (const child of children[node]?.values() ?? []) stack.push(child);
      children[node] = undefined;
    }
  };

  // Siblings are asked for one after the other; the tree no longer changes then, or `changes` does.
  let lastDirectory = -1;
  let lastPrefix = '';
  let lastChanges = -1;
  const pathOf = (node: number): string => {
    if (node === rootNode) return '';
    const directory = parent[node] ?? 0;
    if (directory !== lastDirectory || changes !== lastChanges) {
      const parts: string[] = [];
      for (let at = directory; at !== rootNode; at = parent[at] ?? 0) parts.push(names[at] ?? '');
      lastPrefix = parts.length === 0 ? '' : `${parts.toReversed().join('/')}/`;
      lastDirectory = directory;
      lastChanges = changes;
    }
    return lastPrefix + (names[node] ?? '');
  };

  return {
    nodeCount: () => alive,
    typeOf,
    attributesOf: (node) => indexOf(node).attributesOf(entry[node] ?? 0),
    linkTargetOf: (node) => indexOf(node).linkTargetOf(entry[node] ?? 0),
    referenceOf: (node) => ({ layer: layer[node] ?? 0, entry: entry[node] ?? 0 }),
    parentOf: (node) => parent[node] ?? 0,
    nameOf: (node) => names[node] ?? '',
    pathOf,
    lookup,
    childrenOf: (directory) => children[directory]?.values() ?? [],
    put,
    remove,
    setRoot: (reference) => refer(rootNode, reference),
    replaceRoot: (directory) => {
      refer(rootNode, { layer: layer[directory] ?? 0, entry: entry[directory] ?? 0 });
      const below = children[directory];
      children[directory] = undefined;
      for (const child of children[rootNode]?.values() ?? []) forget(child);
      children[rootNode] = below;
      for (const child of below?.values() ?? []) parent[child] = rootNode;
      changes += 1;
    },
    version: () => changes,
    touch: (node, byLayer) => {
      let at = node;
      while (touched[at] !== byLayer) {
        touched[at] = byLayer;
        at = parent[at] ?? 0;
      }
    },
    isTouchedBy: (node, byLayer) => touched[node] === byLayer,
  };
}

function copyInto<Column extends { set: (from: Column) => void }>(into: Column, from: Column): Column {
  into.set(from);
  return into;
}
