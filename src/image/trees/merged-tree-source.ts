// SPDX-License-Identifier: Apache-2.0
// Archives, merged, as a tree: the layers of an image, or one tarball with a root file system. They are read twice, for what
// survives and for its content: entries may come in any order and more than once, and upper layers remove what is below.
import { type Emit, type ImageConfig, type PullEvent, SlipwayError } from '../../model/index.ts';
import type { LayerSource } from '../convert/index.ts';
import { inLayer } from '../convert/layer-errors.ts';
import { createLayerIndex, type LayerIndex } from '../convert/layer-index.ts';
import { mapInOrder } from '../convert/map-in-order.ts';
import { mergeLayer } from '../convert/merge-layer.ts';
import { createMergedTree } from '../convert/merged-tree.ts';
import { stripTopDirectory } from '../convert/image-tree.ts';
import { newCounters } from '../convert/record-entries.ts';
import { recordLayer } from '../convert/record-layer.ts';
import { createWarningCounts } from '../convert/warnings.ts';
import { readDecompressed } from '../read-decompressed.ts';
import { streamMerged } from './stream-merged.ts';
import { createTreeWarnings } from './tree-warnings.ts';
import { type Archives, impliedDirectory, type TreeOptions, type TreeSource } from './tree.ts';

export type MergedTreeOptions = {
  readonly name: string;
  readonly config: ImageConfig;
  /** Each can be opened more than once; they stay their owner's. */
  readonly archives: Archives;
  readonly options: TreeOptions;
  readonly emit: Emit<PullEvent>;
};

/** Nothing is done with contents at the first reading. */
const noContents = {
  begin: () => undefined,
  write: () => undefined,
  addZeros: () => undefined,
  end: () => 0,
  drain: () => Promise.resolve(),
};

/**
 * The tree that archives make together, which nothing is added to.
 * @throws from `read`: SlipwayError as `layersToSquashfs` lists them, but for the writing
 */
export function mergedTree(merged: MergedTreeOptions): TreeSource {
  const { archives, options, emit } = merged;
  const { layers, whiteouts, topDirectory } = archives;
  return {
    name: merged.name,
    config: merged.config,
    archives,
    read: async (sink, { signal, progress }) => {
      const warnings = createWarningCounts();
      const treeWarnings = createTreeWarnings();
      const own = createLayerIndex();
      const indexes: LayerIndex[] = [own];
      const tree = createMergedTree(indexes, options.limits);
      const implied = { layer: 0, entry: own.add(impliedDirectory) };
      tree.setRoot(implied);
      const target = { tree, warnings, whiteouts, implicitDirectory: () => implied };
      const context = { limits: options.limits, counters: newCounters() };
      await mapInOrder(layers, 2, {
        start: (layer, stop) => recordLayer(layer, noContents, { ...context, signal: AbortSignal.any([signal, stop]) }),
        finish: ({ index, facts }, number) => {
          indexes.push(index);
          mergeLayer(target, index, { layer: number + 1, layerName: layers[number]?.name ?? '' });
          index.dropPaths();
          treeWarnings.count('xattrs-dropped', facts.xattrsDropped);
        },
      });
      if (topDirectory === 'strip') stripTopDirectory(tree);
      const layerAt = (number: number): LayerSource => {
        const layer = layers[number - 1];
        if (layer === undefined) throw new RangeError('a node refers to no layer');
        return layer;
      };
      const totals = await streamMerged(
        {
          tree,
          indexes,
          keepsXattrs: options.xattrs === 'keep',
          warnings: treeWarnings,
          readArchive: async (number, consume) => {
            const layer = layerAt(number);
            const refuse = (): SlipwayError => changed(layer);
            try {
              await readDecompressed(layer.open(signal), { refuse, signal }, consume);
            } catch (error) {
              throw inLayer(layer.name, error);
            }
          },
          changed: (number) => changed(layerAt(number)),
        },
        sink,
        { signal, progress },
      );
      warnings.emitAll(emit);
      treeWarnings.emitAll(emit);
      return totals;
    },
    close: () => Promise.resolve(),
  };
}

function changed({ name }: LayerSource): SlipwayError {
  return new SlipwayError('layer-unreadable', { layer: name, reason: 'it changed while it was read' });
}
