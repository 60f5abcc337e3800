// SPDX-License-Identifier: Apache-2.0
// One squashfs image from one stream of entries: a directory's, an archive's, another image's. What comes is compressed
// into the image at once; nothing is kept beside it but names.
import type { TarEntry } from '../../formats/tar/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { ConversionResult, ImageOrder } from './image-order.ts';
import { showName } from './layer-errors.ts';
import { createEntryRecorder, newCounters } from './record-entries.ts';
import { writeDirectly } from './write-directly.ts';

/**
 * An entry of a tree as `writeImage` takes it: everything of a tar entry, and its content.
 * `path` and the `linkTarget` of a hard link are paths from the root of the image, with or without slashes around. A
 * directory that is not among the entries is made, owned by root.
 */
export type ImageEntry = TarEntry & {
  /**
   * The `sizeBytes` bytes of a file, read when it is the entry's turn; chunks may be written over once the next is
   * asked for. Without it a file is `sizeBytes` zeros.
   */
  readonly content?: () => AsyncIterable<Buffer>;
};

/** Bytes that are taken between two looks at how much waits for the compressors. */
const drainBytes = 1024 * 1024;

/**
 * Writes a squashfs image of entries in any order (a hard link after its file), flushed to disk. Same entries in the
 * same order and same options, same bytes. Devices are left out. By default the image gets what a container must have;
 * for a tree that is to stay as it is pass `skeleton: 'none'` and `whiteouts: 'literal'` in the options.
 * @throws SlipwayError `layer-entry-refused`, `image-too-large`, `layer-unreadable` where a content has not the size that
 *   its entry says, `squashfs-not-encodable`, `disk-full`, as `toFileError`; what the entries throw; the signal's
 *   reason. No output is left behind then.
 * @example
 * await writeImage(walk('/opt/env'), {
 *   name: '/opt/env', outputPath, emit, signal,
 *   options: { ...defaultConvertOptions, skeleton: 'none', whiteouts: 'literal', owner: { uid: 0, gid: 0 } },
 * });
 */
export async function writeImage(
  entries: AsyncIterable<ImageEntry> | Iterable<ImageEntry>,
  order: ImageOrder,
): Promise<ConversionResult> {
  const { name, options, signal } = order;
  return await writeDirectly(order, async (contents) => {
    const context = { limits: options.limits, counters: newCounters() };
    const recorder = createEntryRecorder(contents, { name, sizeBytes: undefined }, context);
    const { visitor, index } = recorder;
    for await (const entry of entries) {
      signal.throwIfAborted();
      if (!visitor.entry(entry)) continue;
      let [left, waiting] = [entry.sizeBytes, 0];
      for await (const chunk of entry.content?.() ?? []) {
        left -= chunk.length;
        if (left < 0) throw wrongSize(name, entry);
        visitor.content(chunk);
        waiting += chunk.length;
        if (waiting < drainBytes) continue;
        waiting = 0;
        await contents.drain();
      }
      if (entry.content === undefined) visitor.hole(left);
      else if (left > 0) throw wrongSize(name, entry);
      visitor.contentEnd();
      await contents.drain();
    }
    return { index, xattrsDropped: recorder.xattrsDropped() };
  });
}

function wrongSize(name: string, entry: ImageEntry): SlipwayError {
  const path = showName(entry.path.toString('latin1'));
  return new SlipwayError('layer-unreadable', { layer: name, reason: `"${path}" changed its size while it was read` });
}
