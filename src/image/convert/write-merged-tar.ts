// SPDX-License-Identifier: Apache-2.0
// The merged tree as one tar archive: directories and everything without content first, parents before children, then
// files with content in the order of the layers, which are read once more for it, then hard links. The order depends
// on nothing but the layers: the same layers give the same bytes.
import { type TarEntry, createTarReader, encodeTarHeader, paddingAfter } from '../../formats/tar/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { LayerFile } from '../types.ts';
import type { LayerIndex } from './layer-index.ts';
import { type MergedTree, rootNode } from './merged-tree.ts';
import { readLayer } from './read-layer.ts';
import type { TarOutput } from './tar-output.ts';

/** What is written where and in which order, worked out from a finished tree. */
export type WriteOrder = {
  /** Everything without content but hard links, parents first; the root is not among it. */
  readonly plain: readonly number[];
  /** For each layer (by its number in the tree) the node to which an entry's content goes, or -1. */
  readonly contents: readonly (Int32Array | undefined)[];
  /** Pairs: a node, and the node that it is another name of. */
  readonly hardLinks: readonly number[];
  readonly droppedDevices: number;
  /** Nodes that are written, the root included. */
  readonly entries: number;
  readonly contentBytes: number;
  /** The latest time of them all. */
  readonly newestSec: number;
};

export function planWrite(tree: MergedTree, indexes: readonly LayerIndex[]): WriteOrder {
  const plain: number[] = [];
  const contents: (Int32Array | undefined)[] = indexes.map(() => undefined);
  const hardLinks: number[] = [];
  let droppedDevices = 0;
  let contentBytes = 0;
  let files = 0;
  let newestSec = tree.attributesOf(rootNode).mtimeSec;

  const placeFile = (node: number): void => {
    const { layer, entry } = tree.referenceOf(node);
    const index = indexes[layer];
    if (index === undefined) throw new RangeError('a node refers to no layer');
    const places = (contents[layer] ??= new Int32Array(index.count()).fill(-1));
    const first = places[entry] ?? -1;
    if (first >= 0) {
      hardLinks.push(node, first);
      return;
    }
    places[entry] = node;
    const sizeBytes = index.sizeOf(entry);
    contentBytes += sizeBytes;
    if (sizeBytes === 0) plain.push(node);
    else files += 1;
  };

  const stack: Iterator<number>[] = [tree.childrenOf(rootNode)[Symbol.iterator]()];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    const node = next.value;
    const type = tree.typeOf(node);
    newestSec = Math.max(newestSec, tree.attributesOf(node).mtimeSec);
    if (type === 'file') placeFile(node);
    else if (type === 'character-device' || type === 'block-device') droppedDevices += 1;
    else plain.push(node);
    if (type === 'directory') stack.push(tree.childrenOf(node)[Symbol.iterator]());
  }
  const entries = 1 + plain.length + files + hardLinks.length / 2;
  return { plain, contents, hardLinks, droppedDevices, entries, contentBytes, newestSec };
}

/**
 * Writes the archive.
 * @param layers by their number in the tree; number 0 has no file.
 * @throws SlipwayError `layer-changed` when a layer no longer has the entries that it had.
 */
export async function writeMergedTar(
  image: { readonly tree: MergedTree; readonly order: WriteOrder; readonly indexes: readonly LayerIndex[] },
  layers: readonly (LayerFile | undefined)[],
  output: TarOutput,
  context: { readonly signal: AbortSignal; readonly progress: (doneBytes: number) => void },
): Promise<void> {
  const { tree, order, indexes } = image;
  output.add(encodeTarHeader({ ...describe(tree, rootNode), path: Buffer.from('./') }));
  for (const [count, node] of order.plain.entries()) {
    output.add(encodeTarHeader(describe(tree, node)));
    if (count % 1024 === 0) await output.drain();
  }
  let doneBytes = 0;
  for (const [number, places] of order.contents.entries()) {
    const layer = layers[number];
    const index = indexes[number];
    if (layer === undefined || index === undefined || places === undefined) continue;
    const start = doneBytes;
    doneBytes += await writeContents(tree, { layer, index, places }, output, {
      signal: context.signal,
      progress: (bytes) => context.progress(start + bytes),
    });
  }
  for (let at = 0; at < order.hardLinks.length; at += 2) {
    const target = Buffer.from(tree.pathOf(order.hardLinks[at + 1] ?? 0), 'latin1');
    const entry = describe(tree, order.hardLinks[at] ?? 0);
    output.add(encodeTarHeader({ ...entry, type: 'hardlink', sizeBytes: 0, linkTarget: target, xattrs: new Map() }));
    if (at % 1024 === 0) await output.drain();
  }
  await output.finish();
}

/** Copies the wanted files' contents out of one layer, and stops reading it after the last one. */
async function writeContents(
  tree: MergedTree,
  source: { readonly layer: LayerFile; readonly index: LayerIndex; readonly places: Int32Array },
  output: TarOutput,
  context: { readonly signal: AbortSignal; readonly progress: (doneBytes: number) => void },
): Promise<number> {
  const { layer, index, places } = source;
  const changed = (): SlipwayError => new SlipwayError('layer-changed', { layer: layer.digest, path: layer.path });
  let wanted = 0;
  for (const [entry, node] of places.entries()) if (node >= 0 && index.sizeOf(entry) > 0) wanted += 1;
  if (wanted === 0) return 0;

  let number = -1;
  let written = 0;
  const reader = createTarReader({
    entry: (entry) => {
      number += 1;
      const node = places[number] ?? -1;
      if (node < 0 || index.sizeOf(number) === 0) return false;
      // Without this a header of the merged archive would announce what does not follow.
      if (entry.type !== 'file' || entry.sizeBytes !== index.sizeOf(number)) throw changed();
      output.add(encodeTarHeader(describe(tree, node)));
      return true;
    },
    content: (chunk) => {
      written += chunk.length;
      output.add(chunk);
    },
    hole: (sizeBytes) => {
      written += sizeBytes;
      output.addZeros(sizeBytes);
    },
    contentEnd: () => {
      output.addZeros(paddingAfter(index.sizeOf(number)));
      wanted -= 1;
    },
  });
  await readLayer(layer, context.signal, async (chunk) => {
    reader.write(chunk);
    await output.drain();
    context.progress(written);
    return wanted > 0;
  });
  if (wanted > 0) throw changed();
  return written;
}

/** A node as an entry of the merged archive. */
function describe(tree: MergedTree, node: number): TarEntry {
  return {
    ...tree.attributesOf(node),
    type: tree.typeOf(node),
    path: Buffer.from(tree.pathOf(node), 'latin1'),
    mtimeNsec: 0,
    linkTarget: tree.linkTargetOf(node),
    devMajor: 0,
    devMinor: 0,
  };
}
