// SPDX-License-Identifier: Apache-2.0
// Layers to one squashfs in two readings: the first takes the entries of all layers, two at a time, and merges them in
// memory; the second streams the surviving content, as one archive, into the program that writes the image. Nothing
// is ever unpacked to a directory.
import { isAbsolute } from 'node:path';
import { type Emit, type PullEvent, SlipwayError } from '../../model/index.ts';
import type { LayerFile } from '../types.ts';
import { addSkeleton } from './add-skeleton.ts';
import { type LayerIndex, createLayerIndex } from './layer-index.ts';
import { mergeLayer } from './merge-layer.ts';
import { type EntryReference, createMergedTree, rootNode } from './merged-tree.ts';
import type { ConvertOptions } from './options.ts';
import { type LimitCounters, scanLayer } from './scan-layer.ts';
import { findSquashfsTool } from './squashfs-tool.ts';
import { createTarOutput } from './tar-output.ts';
import { createWarningCounts } from './warnings.ts';
import { type WriteOrder, planWrite, writeMergedTar } from './write-merged-tar.ts';
import { writeSquashfs } from './write-squashfs.ts';
import { mapInOrder } from './map-in-order.ts';

export type Conversion = {
  /** From the base upwards. */
  readonly layers: readonly LayerFile[];
  /** Absolute; must not exist yet. The caller renames it to where readers look. */
  readonly outputPath: string;
  readonly options: ConvertOptions;
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
};

export type ConversionResult = {
  /** Files, directories and the rest in the image, its root included. */
  readonly entries: number;
  /** Bytes of its files; hard-linked ones count once. */
  readonly contentBytes: number;
  /** Of the squashfs file. */
  readonly sizeBytes: number;
};

/** Content bytes between two reports of progress. */
const progressBytes = 16 * 1024 * 1024;

/**
 * Merges layers into one squashfs image, flushed to disk. Same layers and options, same bytes.
 * Emits `warning`s with counts, `converting` once the merged tree is known, and `convert-progress`.
 * @throws SlipwayError `layer-unreadable`, `layer-entry-refused`, `layer-content-mismatch`, `layer-inflates`,
 *   `image-too-large`, `layer-changed`, `squashfs-tool-missing`, `squashfs-tool-failed`, `disk-full`; the signal's
 *   reason. No output is left behind then, and no process.
 */
export async function convertLayers(conversion: Conversion): Promise<ConversionResult> {
  const { layers, outputPath, options, emit, signal } = conversion;
  if (!isAbsolute(outputPath)) throw new Error(`an image is written to an absolute path, not to ${outputPath}`);
  const tool = await findSquashfsTool(options.searchPath);
  const warnings = createWarningCounts();
  const own = createLayerIndex();
  const indexes: LayerIndex[] = [own];
  const addOwn = (type: 'directory' | 'file', mode: number): EntryReference => ({
    layer: 0,
    entry: own.add({ ...ownEntry, type, mode }),
  });
  const root = addOwn('directory', 0o755);
  const plainDirectory = addOwn('directory', 0o755);
  const tree = createMergedTree(indexes, options.limits);
  tree.setRoot(root);
  const target = { tree, warnings, implicitDirectory: () => plainDirectory, emptyFile: () => addOwn('file', 0o644) };

  const counters: LimitCounters = { entries: 0, pathBytes: 0, contentBytes: 0 };
  const context = { options, counters, warnings, signal };
  await mapInOrder(layers, 2, {
    start: (layer, stop) => scanLayer(layer, { ...context, signal: AbortSignal.any([signal, stop]) }),
    // In order: a layer's whiteouts concern those below it.
    finish: (index, number) => {
      indexes.push(index);
      mergeLayer(target, index, { layer: number + 1, layerName: layers[number]?.digest ?? '' });
      index.dropPaths();
    },
  });
  addSkeleton(target);

  const order = planWrite(tree, indexes);
  checkContent(order, options);
  warnings.count('devices-dropped', order.droppedDevices);
  warnings.emitAll(emit);
  const { entries, contentBytes } = order;
  emit({ type: 'converting', entries, contentBytes });

  let reported = 0;
  const progress = (doneBytes: number): void => {
    if (doneBytes < reported + progressBytes && doneBytes !== contentBytes) return;
    reported = doneBytes;
    emit({ type: 'convert-progress', doneBytes, totalBytes: contentBytes });
  };
  const wanted = { tool, outputPath, root: tree.attributesOf(rootNode), newestSec: order.newestSec, options };
  const sizeBytes = await writeSquashfs(wanted, signal, async (write) => {
    const files = [undefined, ...layers];
    await writeMergedTar({ tree, order, indexes }, files, createTarOutput(write), { signal, progress });
  });
  return { entries, contentBytes, sizeBytes };
}

const ownEntry = {
  path: Buffer.from('/'),
  uid: 0,
  gid: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
  sizeBytes: 0,
  linkTarget: Buffer.alloc(0),
  devMajor: 0,
  devMinor: 0,
  xattrs: new Map<string, Buffer>(),
} as const;

function checkContent(order: WriteOrder, { limits }: ConvertOptions): void {
  if (order.contentBytes <= limits.maxContentBytes) return;
  throw new SlipwayError('image-too-large', {
    what: 'bytes of content',
    limit: limits.maxContentBytes,
    option: 'maxContentBytes',
  });
}
