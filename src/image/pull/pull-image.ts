// SPDX-License-Identifier: Apache-2.0
// From a source of images to an image in the store: the whole of a pull.
//
//   resolve → is it there? → lock the image → is it there now? → note the layers → download and pack → assemble → put → tag
//
// Two pulls of one image do the work once, as the second finds it there when it gets the lock. What a pull that is
// killed leaves behind, the next one clears away. How images with a layer in common get along is told in
// store/layout.ts.
import {
  type Digest,
  type Emit,
  formatImageReference,
  hasCode,
  type ImageReference,
  type PullEvent,
  shortImageReference,
  type Verification,
} from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { assembleImage, type ConvertOptions, defaultConvertOptions } from '../convert/index.ts';
import type { LockedImage } from '../store/locked-image.ts';
import type { Store } from '../store/open-store.ts';
import type { ImageAccess, ImageSource, ResolvedImage, StoredImage } from '../types.ts';
import { buildImage } from './build-image.ts';

export type PullOptions = {
  readonly reference: ImageReference;
  /** Stays open; its owner closes it. */
  readonly source: ImageSource;
  readonly store: Store;
  /** `defaultConvertOptions` unless given. */
  readonly convertOptions?: ConvertOptions;
  /** Another way to make a squashfs than `assembleImage`. */
  readonly assemble?: typeof assembleImage;
  /** Bytes of packs that the store keeps for further images; `defaultPackBytes` unless given. */
  readonly maxPackBytes?: number;
  /** Layers downloaded at a time; 4 unless given. */
  readonly concurrency?: number;
  /** Who may use it, beside the store's owner; everybody, or whoever could until now, unless given. */
  readonly access?: ImageAccess;
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
};

/** Of packs, where nothing else is said: some tens of images' layers. */
const defaultPackBytes: number = 10 * 1024 ** 3;

export type PulledImage = {
  readonly digest: Digest;
  /** Nothing had to be downloaded or converted. */
  readonly wasPresent: boolean;
  /** Of the squashfs. */
  readonly sizeBytes: number;
};

/**
 * Brings an image into the store and points the reference's tag at it. A store that can't be written will do where
 * the image is in it under this name already.
 * @throws SlipwayError of the source, the download and the conversion; `store-not-writable`, `store-space-short`,
 *   `disk-full`, `lock-lost`; the signal's reason. Of a download broken off its part stays for the next attempt, nothing
 *   else.
 */
export async function pullImage(options: PullOptions): Promise<PulledImage> {
  const { source, store, emit, signal } = options;
  const reference = formatImageReference(options.reference);
  emit({ type: 'resolving', reference });
  const resolved = await source.resolve(signal);
  const { digest } = resolved;
  emit({
    type: 'resolved',
    reference,
    digest,
    platform: platformText(resolved),
    layers: resolved.layers.map((layer) => ({ digest: layer.digest, sizeBytes: layer.sizeBytes })),
  });

  const { verification } = resolved;
  const signatures = verification?.signatures ?? [];
  if (signatures.length > 0) emit({ type: 'verified', reference, signatures });

  const present = await readTagged(options, digest);
  const isAsWanted = signatures.length === 0 || (present !== undefined && isKnown(present, signatures));
  if (present !== undefined && isAsWanted && options.access === undefined) {
    emit({ type: 'already-present', reference, digest });
    return { digest, wasPresent: true, sizeBytes: present.sizeBytes };
  }

  await store.prepare();
  if (options.access !== undefined) await store.closeLayers();
  return await store.withImage(digest, { signal, emit }, async (locked, lockSignal) => {
    const found = await locked.read();
    const image = found ?? (await makeImage({ ...options, signal: lockSignal }, resolved, locked));
    if (found !== undefined && options.access !== undefined) await locked.setAccess(found, options.access);
    if (verification !== undefined && signatures.length > 0) {
      await locked.note(
        { ...image, ...(options.access === undefined ? {} : { access: options.access }) },
        verification,
      );
    }
    await locked.tag(options.reference, options.clock.now());
    if (found === undefined) emit({ type: 'stored', reference, digest, sizeBytes: image.sizeBytes });
    else emit({ type: 'already-present', reference, digest });
    return { digest, wasPresent: found !== undefined, sizeBytes: image.sizeBytes };
  });
}

/** Whether the image's record tells of these signatures, so that nothing need be written. */
function isKnown(image: StoredImage, signatures: Verification['signatures']): boolean {
  return JSON.stringify(image.verification?.signatures) === JSON.stringify(signatures);
}

/** The image, if it is there whole and the reference names it. */
async function readTagged(options: PullOptions, digest: Digest): Promise<StoredImage | undefined> {
  const { store, reference } = options;
  try {
    if ((await store.readTag(reference))?.digest !== digest) return undefined;
  } catch (error) {
    // Tagging anew mends it.
    if (hasCode(error, 'store-damaged')) return undefined;
    throw error;
  }
  return await store.readWholeImage(digest);
}

async function makeImage(options: PullOptions, resolved: ResolvedImage, locked: LockedImage): Promise<StoredImage> {
  const { store, clock, signal } = options;
  // First, as what dead processes left may be in the way of the space that is needed.
  await store.sweep(clock.now(), { signal });
  return await buildImage({
    ...options,
    assemble: options.assemble ?? assembleImage,
    convertOptions: options.convertOptions ?? defaultConvertOptions,
    maxPackBytes: options.maxPackBytes ?? defaultPackBytes,
    name: shortImageReference(options.reference),
    resolved,
    locked,
  });
}

function platformText({ config: { platform } }: ResolvedImage): string {
  const variant = platform.variant === undefined ? '' : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}
