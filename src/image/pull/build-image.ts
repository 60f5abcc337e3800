// SPDX-License-Identifier: Apache-2.0
// The part of a pull that does the work: layers down, squashfs up. The caller holds the image's lock.
import { type Digest, type Emit, describeError, hasCode, type PullEvent } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { removeIfPresent } from '../../sys/files.ts';
import type { ConversionResult, ConvertOptions, ImageOrder } from '../convert/index.ts';
import { downloadLayers } from '../download/index.ts';
import { blobLockPath, blobPath } from '../store/layout.ts';
import type { LockedImage } from '../store/locked-image.ts';
import { noteNeededBlobs, releaseNeededBlobs } from '../store/needed-blobs.ts';
import type { Store } from '../store/open-store.ts';
import type { ImageSource, LayerFile, ResolvedImage, StoredImage } from '../types.ts';
import { checkSpace } from './check-space.ts';

export type ImageBuild = {
  /** For messages. */
  readonly name: string;
  readonly resolved: ResolvedImage;
  readonly source: ImageSource;
  readonly store: Store;
  readonly locked: LockedImage;
  readonly convert: (layers: readonly LayerFile[], order: ImageOrder) => Promise<ConversionResult>;
  readonly convertOptions: ConvertOptions;
  readonly concurrency?: number;
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
};

/** What may be waited for when the work is over and its signal perhaps aborted. */
const cleanUpLimitMs = 30_000;

/** Downloads and converts an image and puts it in the store. Errors as `pullImage`. */
export async function buildImage(build: ImageBuild): Promise<StoredImage> {
  const { resolved, store, signal } = build;
  const blobs = [...new Set(resolved.layers.map((layer) => layer.digest))];
  await noteNeededBlobs(store.path, resolved.digest, blobs, signal);
  let image: StoredImage;
  try {
    image = await downloadAndConvert(build);
  } catch (error) {
    // Another process has this image now, and its own note in the place of ours.
    if (!hasCode(signal.reason, 'lock-lost')) await release(build, isWorthResuming(error, signal) ? [] : blobs);
    throw error;
  }
  await release(build, blobs);
  return image;
}

async function downloadAndConvert(build: ImageBuild): Promise<StoredImage> {
  const { resolved, store, locked, emit, signal } = build;
  await checkSpace({ name: build.name, store: store.path, layers: resolved.layers });
  const layers = await downloadLayers({
    source: build.source,
    layers: resolved.layers,
    pathOf: (digest) => blobPath(store.path, digest),
    lockPathOf: (digest) => blobLockPath(store.path, digest),
    // Whoever shares the store may need this layer next; who may enter the store is decided by its directories.
    mode: 0o644,
    ...(build.concurrency === undefined ? {} : { concurrency: build.concurrency }),
    emit,
    signal,
    clock: build.clock,
  });
  const outputPath = store.temporaryPath();
  try {
    const { entries, sizeBytes } = await build.convert(layers, {
      name: build.name,
      outputPath,
      options: build.convertOptions,
      emit,
      signal,
    });
    const image: StoredImage = {
      digest: resolved.digest,
      ...(resolved.indexDigest === undefined ? {} : { indexDigest: resolved.indexDigest }),
      configDigest: resolved.configDigest,
      config: resolved.config,
      layers: resolved.layers,
      sizeBytes,
      entries,
      converted: build.clock.now().toISOString(),
    };
    await locked.put(image, outputPath);
    return image;
  } finally {
    await removeIfPresent(outputPath);
  }
}

/** A failure here is told and no more: the image is stored, or another error is on its way; a later sweep makes up. */
async function release(build: ImageBuild, removing: readonly Digest[]): Promise<void> {
  const { resolved, store, emit } = build;
  try {
    await releaseNeededBlobs(store.path, resolved.digest, { removing, signal: AbortSignal.timeout(cleanUpLimitMs) });
  } catch (error) {
    const text = `layers of ${build.name} are left in the store: ${describeError(error)}`;
    emit({ type: 'warning', code: 'blobs-left', text, count: 1 });
  }
}

/**
 * Whether another attempt can use the layers received so far: not where the image itself is the fault, and not where
 * the disk is full, which they would only keep full.
 */
function isWorthResuming(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || !hasCode(error, ...hopeless);
}

const hopeless = [
  'disk-full',
  'image-too-large',
  'layer-content-mismatch',
  'layer-entry-refused',
  'layer-inflates',
  'layer-unreadable',
  'tar-malformed',
  'zstd-malformed',
] as const;
