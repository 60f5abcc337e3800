// SPDX-License-Identifier: Apache-2.0
// All layers of an image as verified files, several at a time.
import type { Digest, Emit, PullEvent } from '../../model/index.ts';
import { type Clock, systemClock } from '../../sys/clock.ts';
import { removeIfPresent, statIfPresent } from '../../sys/files.ts';
import { withLock } from '../../sys/lock-file.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { ImageSource, LayerDescriptor, LayerFile } from '../types.ts';
import { downloadBlob } from './download-blob.ts';

export type LayerDownload = {
  readonly source: ImageSource;
  readonly layers: readonly LayerDescriptor[];
  /** Where a blob's file is to be; its directory exists. `PATH.part` holds what is not complete. */
  readonly pathOf: (digest: Digest) => string;
  /** The lock under which a blob is written; `PATH.lock` unless given. Its directory exists. */
  readonly lockPathOf?: (digest: Digest) => string;
  /** Of the files, whatever the umask; 0600 unless given. */
  readonly mode?: number;
  /** Blobs at a time; 4 unless given. */
  readonly concurrency?: number;
  /** `blob-progress`, `blob-done`, `retrying`, `waiting-for-lock`. */
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** From 0 up to, not including, 1; spreads retries. */
  readonly random?: () => number;
};

/**
 * Downloads the layers that are not there yet; a digest that occurs several times once. The first failure stops the
 * others, whose parts are kept. A file of the right length under a blob's name is taken for the blob: only verified
 * bytes get that name.
 * @returns a file for each of `layers`, in their order
 * @throws SlipwayError as `downloadBlob`; `lock-lost`; the signal's reason
 */
export async function downloadLayers(options: LayerDownload): Promise<LayerFile[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const distinct = [...new Map(options.layers.map((layer) => [layer.digest, layer])).values()];
  await mapConcurrently(distinct, options.concurrency ?? 4, async (layer) => {
    try {
      await ensureLayer(layer, { ...options, signal });
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  });
  options.signal.throwIfAborted();
  return options.layers.map((layer) => ({ ...layer, path: options.pathOf(layer.digest) }));
}

async function ensureLayer(layer: LayerDescriptor, options: LayerDownload): Promise<void> {
  const path = options.pathOf(layer.digest);
  const { emit } = options;
  const done = (wasCached: boolean): void => {
    emit({ type: 'blob-done', digest: layer.digest, sizeBytes: layer.sizeBytes, wasCached });
  };
  options.signal.throwIfAborted();
  if (await isComplete(path, layer)) return done(true);
  const lockPath = options.lockPathOf?.(layer.digest) ?? `${path}.lock`;
  const lock = { what: `layer ${layer.digest}`, signal: options.signal, emit };
  const wasCached = await withLock(lockPath, lock, async (signal) => {
    // Another process may have finished it while this one waited.
    if (await isComplete(path, layer)) return true;
    await removeIfPresent(path);
    await downloadBlob({
      source: options.source,
      layer,
      path,
      mode: options.mode ?? 0o600,
      emit,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      signal,
    });
    return false;
  });
  done(wasCached);
}

async function isComplete(path: string, layer: LayerDescriptor): Promise<boolean> {
  const stats = await statIfPresent(path);
  return stats !== undefined && stats.isFile() && stats.size === layer.sizeBytes;
}
