// SPDX-License-Identifier: Apache-2.0
// Packed layers to an image: the merge says which contents survive, their blocks are copied, and new tables are written.
import type { ConversionResult, ImageOrder } from './image-order.ts';
import { createImageTree } from './image-tree.ts';
import type { PackedLayer } from './packed-layer.ts';
import { checkCounters, newCounters } from './record-entries.ts';
import { withSquashfs } from './write-directly.ts';

/** Stored bytes between two reports of progress. */
const progressBytes = 16 * 1024 * 1024;

/**
 * Merges packed layers, from the base upwards, into one squashfs image, flushed to disk. Same layers and options, same
 * bytes. Every pack must have the compression and block size of the options.
 * @throws SlipwayError `layer-entry-refused`, `image-too-large`, `layer-pack-damaged`, `squashfs-not-encodable`,
 *   `disk-full`, as `toFileError`; the signal's reason. No output is left behind then.
 */
export async function assembleImage(layers: readonly PackedLayer[], order: ImageOrder): Promise<ConversionResult> {
  const { options, emit } = order;
  const counters = newCounters();
  const image = createImageTree(options);
  for (const { name, index, facts } of layers) {
    counters.entries += index.count();
    counters.pathBytes += facts.pathBytes;
    counters.contentBytes += facts.archiveBytes;
    checkCounters(counters, options.limits);
    image.add(index, { name, xattrsDropped: facts.xattrsDropped });
  }
  const tree = image.finish();
  const { entries, contentBytes } = tree;
  emit({ type: 'converting', entries, contentBytes });
  return await withSquashfs(order, async (writer) => {
    const wanted = layers.map((_, layer) => tree.wantedOf(layer));
    const progress = createProgress(layers, wanted, (share) => {
      emit({ type: 'convert-progress', doneBytes: Math.floor(share * contentBytes), totalBytes: contentBytes });
    });
    const numbers: ((content: number) => number)[] = [];
    for (const [layer, { pack }] of layers.entries()) {
      numbers.push(await writer.contents.adopt(pack, wanted[layer] ?? [], progress));
    }
    return { tree, numberOf: (layer, content) => (numbers[layer] ?? unknownLayer)(content) };
  });
}

/** Calls `report` now and then with the share of the stored bytes that is copied, always less than 1. */
function createProgress(
  layers: readonly PackedLayer[],
  wanted: readonly (readonly number[])[],
  report: (share: number) => void,
): (bytes: number) => void {
  let totalBytes = 1;
  for (const [layer, contents] of wanted.entries()) {
    const table = layers[layer]?.pack.contents;
    for (const content of contents) totalBytes += table?.placeOf(content).sizeBytes ?? 0;
  }
  let [copied, reported] = [0, 0];
  return (bytes) => {
    copied += bytes;
    if (copied < reported + progressBytes) return;
    reported = copied;
    report(Math.min(copied / totalBytes, 0.99));
  };
}

function unknownLayer(): never {
  throw new RangeError('a content of no layer');
}
