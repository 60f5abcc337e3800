// SPDX-License-Identifier: Apache-2.0
// The way of a squashfs file that comes into being: begun, filled, ended with its tree, flushed; or removed.
import { isAbsolute } from 'node:path';
import { syncFile } from '../../sys/file-chunks.ts';
import { removeIfPresent } from '../../sys/files.ts';
import { createSquashfsWriter, type SquashfsWriter } from '../squashfs/index.ts';
import type { ConversionResult, ImageOrder } from './image-order.ts';
import { createImageTree, type FinishedTree } from './image-tree.ts';
import type { LayerIndex } from './layer-index.ts';

/** An image of the one layer that `record` reads into the image's own contents. */
export async function writeDirectly(
  order: ImageOrder,
  record: (
    contents: SquashfsWriter['contents'],
  ) => Promise<{ readonly index: LayerIndex; readonly xattrsDropped: number }>,
): Promise<ConversionResult> {
  return await withSquashfs(order, async (writer) => {
    const { index, xattrsDropped } = await record(writer.contents);
    const image = createImageTree(order.options);
    image.add(index, { name: order.name, xattrsDropped });
    const tree = image.finish();
    return { tree, numberOf: (_, content) => content };
  });
}

/** What is to be done when all contents are in. */
export type FilledImage = {
  readonly tree: FinishedTree;
  /** The number in the image of a layer's content. */
  readonly numberOf: (layer: number, content: number) => number;
};

/** Makes the file, has it filled, writes the tree and flushes; on any failure the file is removed. */
export async function withSquashfs(
  order: ImageOrder,
  fill: (writer: SquashfsWriter) => Promise<FilledImage>,
): Promise<ConversionResult> {
  const { outputPath, options, emit, signal } = order;
  if (!isAbsolute(outputPath)) throw new Error(`an image is written to an absolute path, not to ${outputPath}`);
  const { compressor, blockSizeBytes, threads } = options;
  signal.throwIfAborted();
  let isMade = false;
  try {
    await using writer = await createSquashfsWriter({
      path: outputPath,
      compressor,
      blockSizeBytes,
      parallelism: threads,
      signal,
    });
    isMade = true;
    const { tree, numberOf } = await fill(writer);
    const { entries, contentBytes } = tree;
    writer.contents.begin();
    const root = tree.root(numberOf, writer.contents.end());
    tree.emitWarnings(emit);
    await writer.finish(root, tree.newestSec);
    const sizeBytes = await syncFile(outputPath);
    emit({ type: 'convert-progress', doneBytes: contentBytes, totalBytes: contentBytes });
    return { entries, contentBytes, sizeBytes };
  } catch (error) {
    if (isMade) await removeIfPresent(outputPath);
    throw error;
  }
}
