// SPDX-License-Identifier: Apache-2.0
// The first reading of a layer: its entries, its limits, and whether it is what the image configuration says.
import { createHash } from 'node:crypto';
import { createTarReader } from '../../formats/tar/index.ts';
import { SlipwayError, digestAlgorithm } from '../../model/index.ts';
import type { LayerFile } from '../types.ts';
import { type LayerIndex, createLayerIndex } from './layer-index.ts';
import { inLayer } from './layer-errors.ts';
import type { ConvertOptions } from './options.ts';
import { readLayer } from './read-layer.ts';
import type { WarningCounts } from './warnings.ts';

/** What the layers of one image have used up of its limits, together. */
export type LimitCounters = { entries: number; pathBytes: number; contentBytes: number };

/** Entries of types without a name of their own in the tree, but with room in memory. */
type ScanContext = {
  readonly options: ConvertOptions;
  readonly counters: LimitCounters;
  readonly warnings: WarningCounts;
  readonly signal: AbortSignal;
};

/**
 * Reads a layer's headers, and with `diffId` verifies the uncompressed content.
 * @throws SlipwayError `layer-unreadable`, `layer-content-mismatch`, `layer-inflates`, `image-too-large`.
 */
export async function scanLayer(layer: LayerFile, context: ScanContext): Promise<LayerIndex> {
  const { options, counters, warnings, signal } = context;
  const { limits } = options;
  const index = createLayerIndex();
  const hash = layer.diffId === undefined ? undefined : createHash(digestAlgorithm(layer.diffId));
  // Sparse files unfold once more, beyond what the decompressor gave.
  let archiveBytes = 0;
  let unfoldedBytes = 0;

  const reader = createTarReader({
    entry: (entry) => {
      counters.entries += 1;
      if (counters.entries > limits.maxEntries) throw tooLarge('entries', limits.maxEntries, 'maxEntries');
      counters.pathBytes += entry.path.length + entry.linkTarget.length;
      if (counters.pathBytes > limits.maxPathBytes) {
        throw tooLarge('bytes of file names', limits.maxPathBytes, 'maxPathBytes');
      }
      unfoldedBytes += entry.sizeBytes;
      const kept = options.xattrs === 'keep' ? keptXattrs(entry.xattrs) : noXattrs;
      warnings.count('xattrs-dropped', entry.xattrs.size - kept.size);
      index.add(kept === entry.xattrs ? entry : { ...entry, xattrs: kept });
      return false;
    },
  });
  try {
    await readLayer(layer, signal, (chunk) => {
      hash?.update(chunk);
      archiveBytes += chunk.length;
      counters.contentBytes += chunk.length;
      if (counters.contentBytes > limits.maxContentBytes) {
        throw tooLarge('bytes of content', limits.maxContentBytes, 'maxContentBytes');
      }
      reader.write(chunk);
      checkInflation(layer, Math.max(archiveBytes, unfoldedBytes), options);
      return true;
    });
    reader.end();
  } catch (error) {
    throw inLayer(layer, error);
  }
  if (hash !== undefined && layer.diffId !== undefined) {
    const actual = `${digestAlgorithm(layer.diffId)}:${hash.digest('hex')}`;
    if (actual !== layer.diffId) {
      throw new SlipwayError('layer-content-mismatch', { layer: layer.digest, actual, expected: layer.diffId });
    }
  }
  return index;
}

const noXattrs: ReadonlyMap<string, Buffer> = new Map();

function keptXattrs(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  // Copies: the values are views into chunks that must not be kept.
  return new Map(
    [...xattrs]
      .filter(([name]) => name.startsWith('user.') || name === 'security.capability')
      .map(([name, value]) => [name, Buffer.from(value)]),
  );
}

function tooLarge(what: string, limit: number, option: string): SlipwayError {
  return new SlipwayError('image-too-large', { what, limit, option });
}

function checkInflation(layer: LayerFile, bytes: number, { limits }: ConvertOptions): void {
  if (bytes <= limits.inflationGraceBytes || bytes <= layer.sizeBytes * limits.maxInflation) return;
  throw new SlipwayError('layer-inflates', {
    layer: layer.digest,
    bytes,
    compressedBytes: layer.sizeBytes,
    limit: limits.maxInflation,
  });
}
