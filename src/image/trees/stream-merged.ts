// SPDX-License-Identifier: Apache-2.0
// A merged tree as a stream: everything without content first, parents before children, then files with content in the
// order of the archives that they are read from once more, then hard links. The order depends on nothing but these.
import { createTarReader } from '../../formats/tar/index.ts';
import type { LayerIndex } from '../convert/layer-index.ts';
import { type MergedTree, rootNode } from '../convert/merged-tree.ts';
import type { ReadTreeOptions, TreeEntry, TreeSink, TreeTotals } from './tree.ts';
import type { TreeWarnings } from './tree-warnings.ts';

export type MergedStream = {
  readonly tree: MergedTree;
  /** By their number in the tree; number 0 has no archive. */
  readonly indexes: readonly LayerIndex[];
  readonly keepsXattrs: boolean;
  readonly warnings: TreeWarnings;
  /** Feeds the archive with a number in `indexes` to `consume`, until that answers false or all is read. */
  readonly readArchive: (number: number, consume: (chunk: Buffer) => Promise<boolean>) => Promise<void>;
  /** The error that an archive no longer has the entries that it had. */
  readonly changed: (number: number) => Error;
};

/** @throws what `readArchive` and the sink throw, and `changed` */
export async function streamMerged(
  merged: MergedStream,
  sink: TreeSink,
  options: ReadTreeOptions,
): Promise<TreeTotals> {
  const { tree } = merged;
  const describe = describer(merged);
  const contents: (Int32Array | undefined)[] = merged.indexes.map(() => undefined);
  const hardLinks: number[] = [];
  let contentBytes = 0;
  let entries = 0;

  const placeFile = (node: number): void => {
    const { layer, entry } = tree.referenceOf(node);
    const index = indexAt(merged, layer);
    const places = (contents[layer] ??= new Int32Array(index.count()).fill(-1));
    const first = places[entry] ?? -1;
    if (first >= 0) {
      hardLinks.push(node, first);
      return;
    }
    places[entry] = node;
    contentBytes += index.sizeOf(entry);
    if (index.sizeOf(entry) > 0) return;
    sink.entry(describe(node));
    sink.contentEnd();
  };

  // An explicit stack: trees may be as deep as paths are long.
  const stack: Iterator<number>[] = [[rootNode][Symbol.iterator]()];
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    const next = level.next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    const node = next.value;
    const type = tree.typeOf(node);
    if (type === 'character-device' || type === 'block-device') {
      merged.warnings.count('devices-dropped');
      continue;
    }
    entries += 1;
    if (type === 'file') placeFile(node);
    else sink.entry(describe(node));
    if (type === 'directory') stack.push(tree.childrenOf(node)[Symbol.iterator]());
    if (entries % 1024 === 0) {
      options.signal.throwIfAborted();
      await sink.drain();
    }
  }

  let doneBytes = 0;
  for (const [number, places] of contents.entries()) {
    if (places === undefined) continue;
    const start = doneBytes;
    doneBytes += await streamContents(merged, { number, places, describe }, sink, (bytes) =>
      options.progress(start + bytes, contentBytes),
    );
  }
  for (let at = 0; at < hardLinks.length; at += 2) {
    const linkTarget = describe(hardLinks[at + 1] ?? rootNode).path;
    const entry = describe(hardLinks[at] ?? rootNode);
    sink.entry({ ...entry, type: 'hardlink', sizeBytes: 0, linkTarget, xattrs: new Map() });
    if (at % 1024 === 0) await sink.drain();
  }
  await sink.drain();
  return { entries, contentBytes };
}

/** Hands on the wanted files of one archive, and stops reading it after the last one. */
async function streamContents(
  merged: MergedStream,
  source: {
    readonly number: number;
    readonly places: Int32Array;
    readonly describe: (node: number) => TreeEntry;
  },
  sink: TreeSink,
  progress: (doneBytes: number) => void,
): Promise<number> {
  const { number, places, describe } = source;
  const index = indexAt(merged, number);
  let wanted = 0;
  for (const [entry, node] of places.entries()) if (node >= 0 && index.sizeOf(entry) > 0) wanted += 1;
  if (wanted === 0) return 0;

  let at = -1;
  let doneBytes = 0;
  const reader = createTarReader({
    entry: (entry) => {
      at += 1;
      const node = places[at] ?? -1;
      if (node < 0 || index.sizeOf(at) === 0) return false;
      // Without this a header that is handed on would announce what does not follow.
      if (entry.type !== 'file' || entry.sizeBytes !== index.sizeOf(at)) throw merged.changed(number);
      sink.entry(describe(node));
      return true;
    },
    content: (chunk) => {
      doneBytes += chunk.length;
      sink.content(chunk);
    },
    hole: (sizeBytes) => {
      doneBytes += sizeBytes;
      sink.hole(sizeBytes);
    },
    contentEnd: () => {
      wanted -= 1;
      sink.contentEnd();
    },
  });
  await merged.readArchive(number, async (chunk) => {
    reader.write(chunk);
    await sink.drain();
    progress(doneBytes);
    return wanted > 0;
  });
  if (wanted > 0) throw merged.changed(number);
  return doneBytes;
}

function indexAt(merged: MergedStream, number: number): LayerIndex {
  const index = merged.indexes[number];
  if (index === undefined) throw new RangeError('a node refers to no archive');
  return index;
}

/** Nodes as entries. */
function describer({ tree, keepsXattrs, warnings }: MergedStream): (node: number) => TreeEntry {
  return (node) => {
    const attributes = tree.attributesOf(node);
    if (!keepsXattrs) warnings.count('xattrs-dropped', attributes.xattrs.size);
    return {
      ...attributes,
      type: tree.typeOf(node),
      path: Buffer.from(node === rootNode ? '.' : tree.pathOf(node), 'latin1'),
      mtimeNsec: 0,
      linkTarget: tree.linkTargetOf(node),
      devMajor: 0,
      devMinor: 0,
      xattrs: keepsXattrs ? attributes.xattrs : noXattrs,
    };
  };
}

const noXattrs: ReadonlyMap<string, Buffer> = new Map();
