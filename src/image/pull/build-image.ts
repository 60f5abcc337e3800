// SPDX-License-Identifier: Apache-2.0
// The part of a pull that does the work: layers down, squashfs up. The caller holds the image's lock.
import { type Digest, type Emit, describeError, hasCode, type PullEvent } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { removeIfPresent } from '../../sys/files.ts';
import { type assembleImage, type ConversionResult, type ConvertOptions, packName } from '../convert/index.ts';
import type { LockedImage } from '../store/locked-image.ts';
import { noteNeededBlobs, releaseNeededBlobs } from '../store/needed-blobs.ts';
import type { Store } from '../store/open-store.ts';
import type { ImageAccess, ImageSource, ResolvedImage, StoredImage } from '../types.ts';
import { checkSpace } from './check-space.ts';
import { packLayers } from './pack-layers.ts';

export type ImageBuild = {
  /** For messages. */
  readonly name: string;
  readonly resolved: ResolvedImage;
  readonly source: ImageSource;
  readonly store: Store;
  readonly locked: LockedImage;
  readonly assemble: typeof assembleImage;
  readonly convertOptions: ConvertOptions;
  /** Bytes that all packs of the store may have together when the image is done. */
  readonly maxPackBytes: number;
  readonly concurrency?: number;
  /** Who may use the image; everybody unless given. */
  readonly access?: ImageAccess;
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
    image = await makeImage(build);
  } catch (error) {
    // Another process has this image now, and its own note in the place of ours.
    if (!hasCode(signal.reason, 'lock-lost')) await release(build, isWorthResuming(error, signal) ? [] : blobs);
    throw error;
  }
  await release(build, blobs);
  return image;
}

async function makeImage(build: ImageBuild): Promise<StoredImage> {
  const { resolved, store, locked, signal } = build;
  await checkSpace(build);
  const outputPath = store.temporaryPath();
  try {
    const { entries, sizeBytes } = await packAndAssemble(build, outputPath);
    const image: StoredImage = {
      digest: resolved.digest,
      ...(resolved.indexDigest === undefined ? {} : { indexDigest: resolved.indexDigest }),
      configDigest: resolved.configDigest,
      config: resolved.config,
      layers: resolved.layers,
      sizeBytes,
      entries,
      converted: build.clock.now().toISOString(),
      ...(build.access === undefined ? {} : { access: build.access }),
    };
    signal.throwIfAborted();
    await locked.put(image, outputPath);
    return image;
  } finally {
    await removeIfPresent(outputPath);
  }
}

async function packAndAssemble(build: ImageBuild, outputPath: string): Promise<ConversionResult> {
  const { name, resolved, store, convertOptions: options, emit, signal } = build;
  for (let isSecond = false; ; isSecond = true) {
    await using packed = await packLayers(build);
    try {
      return await build.assemble(packed.layers, { name, outputPath, options, emit, signal });
    } catch (error) {
      if (isSecond || !hasCode(error, 'layer-pack-damaged')) throw error;
      // A disk has lost what was written to it: all that this image would be made of is made anew, once.
      emit({ type: 'retrying', what: `convert ${name}`, reason: error.message, delayMs: 0 });
      for (const { digest } of resolved.layers) await store.packs.remove(packName(digest, options));
    }
  }
}

/** A failure here is told and no more: the image is stored, or another error is on its way; a later sweep makes up. */
async function release(build: ImageBuild, removing: readonly Digest[]): Promise<void> {
  const { resolved, store, emit } = build;
  try {
    const signal = AbortSignal.timeout(cleanUpLimitMs);
    await releaseNeededBlobs(store.path, resolved.digest, { removing, signal });
    await store.packs.evict({ maxBytes: build.maxPackBytes }, signal);
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
