// SPDX-License-Identifier: Apache-2.0
// Layers that come as streams to one image, without a store: one layer goes into the image as it comes, several are
// packed beside it first, because only all of them together say what survives.
import { removeIfPresent } from '../../sys/files.ts';
import { createBlockCompressor } from '../squashfs/index.ts';
import { assembleImage } from './assemble-image.ts';
import type { ConversionResult, ImageOrder } from './image-order.ts';
import { mapInOrder } from './map-in-order.ts';
import { openPackedLayer, type PackedLayer, packLayer } from './packed-layer.ts';
import { newCounters } from './record-entries.ts';
import { type LayerSource, recordLayer } from './record-layer.ts';
import { writeDirectly } from './write-directly.ts';

export type LayersOrder = ImageOrder & {
  /** Paths for files beside the image while several layers are read; OUTPUT.layer-N unless given. */
  readonly temporaryPath?: () => string;
};

/**
 * Merges layers, from the base upwards, into one squashfs image, flushed to disk; each source is read once. Same layers and
 * options, same bytes, and the same that a pull of them gives. For a plain archive that is no layer pass
 * `whiteouts: 'literal'` in the options.
 * @throws SlipwayError `layer-unreadable`, `layer-entry-refused`, `layer-content-mismatch`, `layer-inflates`,
 *   `image-too-large`, `squashfs-not-encodable`, `disk-full`, as `toFileError`; what the sources throw; the signal's reason.
 *   No output is left behind then.
 */
export async function layersToSquashfs(layers: readonly LayerSource[], order: LayersOrder): Promise<ConversionResult> {
  const { options, signal } = order;
  const { limits, compressor, blockSizeBytes, threads } = options;
  const context = { limits, counters: newCounters(), signal };
  const [only] = layers;
  if (only !== undefined && layers.length === 1) {
    return await writeDirectly({ ...order, name: only.name }, async (contents) => {
      const { index, facts } = await recordLayer(only, contents, context);
      return { index, xattrsDropped: facts.xattrsDropped };
    });
  }
  const paths = layers.map((_, number) => order.temporaryPath?.() ?? `${order.outputPath}.layer-${number}`);
  const blocks = createBlockCompressor(compressor, { blockSizeBytes, parallelism: threads });
  await using packed = new AsyncDisposableStack();
  const opened: PackedLayer[] = [];
  try {
    await mapInOrder(layers, 2, {
      start: async (layer, stop) => {
        const path = paths[layers.indexOf(layer)] ?? '';
        const both = AbortSignal.any([signal, stop]);
        await packLayer(layer, path, { ...context, signal: both, settings: options, blocks });
        return await openPackedLayer(path, layer.name);
      },
      finish: (layer) => {
        opened.push(packed.use(layer));
      },
    });
    return await assembleImage(opened, order);
  } finally {
    blocks.close();
    for (const path of paths) await removeIfPresent(path);
  }
}
