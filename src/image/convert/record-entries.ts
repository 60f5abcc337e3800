// SPDX-License-Identifier: Apache-2.0
// Entries as they come: what they are goes into an index, what they hold to a writer of contents, and what they amount to is
// held against the limits before anything of it is believed.
import type { TarEntry, TarVisitor } from '../../formats/tar/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { ContentWriter } from '../squashfs/index.ts';
import { keptXattrs } from '../kept-xattrs.ts';
import { createLayerIndex, type LayerIndex } from './layer-index.ts';
import type { ConvertLimits } from './options.ts';

/** What the layers of one image have used up of its limits, together. */
export type LimitCounters = { entries: number; pathBytes: number; contentBytes: number };

export type LayerToRecord = {
  /** How errors name it. */
  readonly name: string;
  /** Of the compressed blob; where nothing is known, nothing is said of how much it inflates. */
  readonly sizeBytes: number | undefined;
};

export type EntryRecorder = {
  readonly visitor: Required<TarVisitor>;
  readonly index: LayerIndex;
  /** Notes bytes of the archive. @throws SlipwayError `layer-inflates`, `image-too-large` */
  readonly addArchiveBytes: (count: number) => void;
  readonly pathBytes: () => number;
  readonly unfoldedBytes: () => number;
  readonly xattrsDropped: () => number;
  /** Takes back what was counted: nothing of this will be in the image. */
  readonly uncount: () => void;
};

export function newCounters(): LimitCounters {
  return { entries: 0, pathBytes: 0, contentBytes: 0 };
}

/** @throws SlipwayError (from the visitor) `image-too-large`, `layer-inflates` */
export function createEntryRecorder(
  contents: Pick<ContentWriter, 'begin' | 'write' | 'addZeros' | 'end'>,
  layer: LayerToRecord,
  context: { readonly limits: ConvertLimits; readonly counters: LimitCounters },
): EntryRecorder {
  const { limits, counters } = context;
  const index = createLayerIndex();
  let archiveBytes = 0;
  let pathBytes = 0;
  // Sparse files unfold once more, beyond what the decompressor gave.
  let unfoldedBytes = 0;
  let xattrsDropped = 0;
  let current = -1;

  const checkInflation = (): void => {
    // Holes take no room in an image: what they unfold to is held against this limit alone.
    if (unfoldedBytes > limits.maxContentBytes) {
      throw tooLarge('bytes of content', limits.maxContentBytes, 'maxContentBytes');
    }
    if (layer.sizeBytes === undefined) return;
    if (archiveBytes <= limits.inflationGraceBytes || archiveBytes <= layer.sizeBytes * limits.maxInflation) return;
    throw new SlipwayError('layer-inflates', {
      layer: layer.name,
      bytes: archiveBytes,
      compressedBytes: layer.sizeBytes,
      limit: limits.maxInflation,
    });
  };

  const entry = (seen: TarEntry): boolean => {
    const ownPathBytes = seen.path.length + seen.linkTarget.length;
    pathBytes += ownPathBytes;
    counters.pathBytes += ownPathBytes;
    unfoldedBytes += seen.sizeBytes;
    const kept = keptXattrs(seen.xattrs);
    xattrsDropped += seen.xattrs.size - kept.size;
    current = index.add(kept === seen.xattrs ? seen : { ...seen, xattrs: kept });
    counters.entries += 1;
    checkCounters(counters, limits);
    checkInflation();
    if (seen.type !== 'file' || seen.sizeBytes === 0) return false;
    contents.begin();
    return true;
  };

  return {
    index,
    visitor: {
      entry,
      content: contents.write,
      hole: contents.addZeros,
      contentEnd: () => index.setContent(current, contents.end()),
    },
    addArchiveBytes(count) {
      archiveBytes += count;
      counters.contentBytes += count;
      checkCounters(counters, limits);
      checkInflation();
    },
    pathBytes: () => pathBytes,
    unfoldedBytes: () => unfoldedBytes,
    xattrsDropped: () => xattrsDropped,
    uncount() {
      counters.entries -= index.count();
      counters.pathBytes -= pathBytes;
      counters.contentBytes -= archiveBytes;
    },
  };
}

/** @throws SlipwayError `image-too-large` */
export function checkCounters(counters: LimitCounters, limits: ConvertLimits): void {
  if (counters.entries > limits.maxEntries) throw tooLarge('entries', limits.maxEntries, 'maxEntries');
  if (counters.pathBytes > limits.maxPathBytes) {
    throw tooLarge('bytes of file names', limits.maxPathBytes, 'maxPathBytes');
  }
  if (counters.contentBytes > limits.maxContentBytes) {
    throw tooLarge('bytes of content', limits.maxContentBytes, 'maxContentBytes');
  }
}

export function tooLarge(what: string, limit: number, option: string): SlipwayError {
  return new SlipwayError('image-too-large', { what, limit, option });
}
