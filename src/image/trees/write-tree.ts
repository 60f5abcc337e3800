// SPDX-License-Identifier: Apache-2.0
// A tree as a squashfs image, in one go: contents are compressed as they come, names are kept in memory and written at
// the end. The same tree gives the same bytes.
import { type ConversionResult, type ImageOrder, layersToSquashfs } from '../convert/index.ts';
import { createEntryRecorder, newCounters } from '../convert/record-entries.ts';
import { writeDirectly } from '../convert/write-directly.ts';
import type { TreeProgress, TreeSink, TreeSource } from './tree.ts';

export type TreeOrder = Omit<ImageOrder, 'name'> & {
  readonly progress: TreeProgress;
  /** Sees the tree as well; not asked for where it is read as archives. */
  readonly beside?: TreeSink;
  /** Paths for files beside the image: see `layersToSquashfs`. */
  readonly temporaryPath?: () => string;
};

/**
 * Writes a tree as a squashfs image, flushed to disk. What the options say of whiteouts and of a directory at the top
 * is passed over: a tree says that itself.
 * @throws SlipwayError of reading the tree; as `layersToSquashfs`. No output is left behind then.
 */
export async function writeTree(tree: TreeSource, order: TreeOrder): Promise<ConversionResult> {
  const { beside, progress, signal } = order;
  const { limits } = order.options;
  if (tree.archives !== undefined && beside === undefined) {
    const { layers, whiteouts, topDirectory } = tree.archives;
    return await layersToSquashfs(layers, {
      ...order,
      name: tree.name,
      options: { ...order.options, whiteouts, topDirectory },
    });
  }
  const literal = { ...order.options, whiteouts: 'literal', topDirectory: 'keep' } as const;
  return await writeDirectly({ ...order, options: literal, name: tree.name }, async (contents) => {
    const context = { limits, counters: newCounters() };
    const { visitor, index, xattrsDropped } = createEntryRecorder(
      contents,
      { name: tree.name, sizeBytes: undefined },
      context,
    );
    let isOpen = false;
    const sink: TreeSink = {
      entry: (entry) => {
        beside?.entry(entry);
        isOpen = visitor.entry(entry);
      },
      content: (chunk) => {
        beside?.content(chunk);
        if (isOpen) visitor.content(chunk);
      },
      hole: (sizeBytes) => {
        beside?.hole(sizeBytes);
        if (isOpen) visitor.hole(sizeBytes);
      },
      contentEnd: () => {
        beside?.contentEnd();
        if (isOpen) visitor.contentEnd();
        isOpen = false;
      },
      drain: async () => {
        await beside?.drain();
        await contents.drain();
      },
    };
    await tree.read(sink, { signal, progress });
    return { index, xattrsDropped: xattrsDropped() };
  });
}
