// SPDX-License-Identifier: Apache-2.0
// A tree of files that has no manifest (a directory, a tarball, squashfs, SIF) into the store. It is read into a squashfs
// and, as the one layer of an image that it would make, into a digest: the manifest of that image is its identity, so that
// the same file, or a directory that has not changed, is the same image again.
import { createHash } from 'node:crypto';
import { composeConfig, composeManifest, configDescriptor } from '../../formats/oci/index.ts';
import {
  type Digest,
  type Emit,
  formatImageReference,
  type ImageReference,
  type PullEvent,
} from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { removeIfPresent } from '../../sys/files.ts';
import type { ConversionResult, ConvertOptions } from '../convert/index.ts';
import { digestOf } from '../digest-of.ts';
import { treeProgress } from '../exports/image-parts.ts';
import type { Store } from '../store/open-store.ts';
import { createTarSink } from '../trees/tar-sink.ts';
import type { TreeSource } from '../trees/tree.ts';
import { writeTree } from '../trees/write-tree.ts';
import type { ImageAccess, LayerDescriptor, StoredImage } from '../types.ts';
import type { PulledImage } from './pull-image.ts';

export type TreeImport = {
  /** The name in the store: see `storeNameOf`. */
  readonly reference: ImageReference;
  /** Stays open; its owner closes it. */
  readonly tree: TreeSource;
  readonly store: Store;
  readonly convertOptions: ConvertOptions;
  /** Who alone may use the image; where none is given it stays as it is, and a new one is for everybody. */
  readonly access?: ImageAccess;
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
};

/**
 * Brings a tree into the store and points the reference's tag at it. Imports of one tree at once do the work each, and
 * store it once.
 * @throws SlipwayError of the tree and of writing; `store-not-writable`, `disk-full`, `lock-lost`; the signal's reason.
 *   Nothing is left behind then.
 */
export async function importTree(order: TreeImport): Promise<PulledImage> {
  const { store, emit, signal, clock } = order;
  const reference = formatImageReference(order.reference);
  emit({ type: 'resolving', reference });
  const { access } = order;
  await store.prepare();
  if (access !== undefined) await store.closeLayers();
  await store.sweep(clock.now(), { signal });
  const outputPath = store.temporaryPath();
  try {
    const image = await makeImage(order, outputPath);
    const { digest } = image;
    return await store.withImage(digest, { signal, emit }, async (locked, lockSignal) => {
      const found = await locked.read();
      lockSignal.throwIfAborted();
      if (found === undefined) {
        await locked.put({ ...image, ...(access === undefined ? {} : { access }) }, outputPath);
      } else if (access !== undefined) {
        await locked.setAccess(found, access);
      }
      await locked.tag(order.reference, clock.now());
      const { sizeBytes } = found ?? image;
      if (found === undefined) emit({ type: 'stored', reference, digest, sizeBytes });
      else emit({ type: 'already-present', reference, digest });
      return { digest, wasPresent: found !== undefined, sizeBytes };
    });
  } finally {
    await removeIfPresent(outputPath);
  }
}

async function makeImage(order: TreeImport, outputPath: string): Promise<StoredImage> {
  const { tree, convertOptions: options, emit, signal, clock } = order;
  const { layer, result } = await writeHashed(tree, { outputPath, options, emit, signal });
  const diffIds = layer.diffId === undefined ? [] : [layer.diffId];
  const configBytes = composeConfig(tree.config, diffIds, 'slipway pull');
  const config = configDescriptor(digestOf(configBytes), configBytes.length);
  return {
    digest: digestOf(composeManifest(config, [layer])),
    configDigest: config.digest,
    config: tree.config,
    layers: [layer],
    sizeBytes: result.sizeBytes,
    entries: result.entries,
    converted: clock.now().toISOString(),
  };
}

/** Writes the squashfs, and describes the archive that the same tree makes, which is written nowhere. */
async function writeHashed(
  tree: TreeSource,
  order: {
    readonly outputPath: string;
    readonly options: ConvertOptions;
    readonly emit: Emit<PullEvent>;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly layer: LayerDescriptor; readonly result: ConversionResult }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const beside = createTarSink({
    write: (chunk) => {
      hash.update(chunk);
      sizeBytes += chunk.length;
      return Promise.resolve();
    },
    isLayer: false,
    onWhiteoutName: () => undefined,
  });
  const result = await writeTree(tree, { ...order, progress: treeProgress(order.emit), beside });
  await beside.finish();
  const digest = `sha256:${hash.digest('hex')}` as Digest;
  const mediaType = 'application/vnd.oci.image.layer.v1.tar';
  return { layer: { mediaType, digest, sizeBytes, diffId: digest }, result };
}
