// SPDX-License-Identifier: Apache-2.0
// Every layer of an image as a pack: one that the store has is taken, others are made while they are downloaded, several
// at a time.
import { type Digest, hasCode } from '../../model/index.ts';
import { withLock } from '../../sys/lock-file.ts';
import {
  type LimitCounters,
  newCounters,
  openPackedLayer,
  type PackedLayer,
  packLayer,
  packName,
} from '../convert/index.ts';
import { downloadBlob } from '../download/index.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { type BlockCompressor, createBlockCompressor } from '../squashfs/index.ts';
import { blobLockPath, blobPath } from '../store/layout.ts';
import type { LayerDescriptor } from '../types.ts';
import type { ImageBuild } from './build-image.ts';
import { createPackSink } from './pack-sink.ts';

export type PackedLayers = AsyncDisposable & {
  /** From the base upwards, as the image has them: a layer that occurs twice is there twice. */
  readonly layers: readonly PackedLayer[];
};

type Packing = ImageBuild & { readonly blocks: BlockCompressor; readonly counters: LimitCounters };

const defaultConcurrency = 4;

/**
 * Packs the layers that the store has no packs of. The first failure stops the others; what they have downloaded is kept.
 * The caller has noted that it needs them.
 * @throws SlipwayError as `downloadBlob` and `packLayer`; `lock-lost`; the signal's reason
 */
export async function packLayers(build: ImageBuild): Promise<PackedLayers> {
  const { convertOptions, resolved } = build;
  const { compressor, blockSizeBytes, threads } = convertOptions;
  const stop = new AbortController();
  const signal = AbortSignal.any([build.signal, stop.signal]);
  const distinct = [...new Map(resolved.layers.map((layer) => [layer.digest, layer])).values()];
  const opened = new Map<Digest, PackedLayer>();
  const stack = new AsyncDisposableStack();
  const blocks = createBlockCompressor(compressor, { blockSizeBytes, parallelism: threads });
  const packing = { ...build, signal, blocks, counters: newCounters() };
  try {
    await mapConcurrently(distinct, build.concurrency ?? defaultConcurrency, async (layer) => {
      try {
        opened.set(layer.digest, stack.use(await ensurePack(layer, packing)));
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    });
    build.signal.throwIfAborted();
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  } finally {
    blocks.close();
  }
  return {
    layers: resolved.layers.flatMap(({ digest }) => opened.get(digest) ?? []),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function ensurePack(layer: LayerDescriptor, packing: Packing): Promise<PackedLayer> {
  const { store, emit, signal } = packing;
  const { digest, sizeBytes } = layer;
  signal.throwIfAborted();
  let wasCached = true;
  let packed = await findPack(layer, packing);
  if (packed === undefined) {
    const lock = { what: `layer ${digest}`, signal, emit };
    packed = await withLock(blobLockPath(store.path, digest), lock, async (lockSignal) => {
      // Another process may have made it while this one waited.
      const found = await findPack(layer, packing);
      if (found !== undefined) return found;
      wasCached = false;
      return await makePack(layer, { ...packing, signal: lockSignal });
    });
  }
  emit({ type: 'blob-done', digest, sizeBytes, wasCached });
  return packed;
}

/** The pack that the store has, if it can be used for this layer. */
async function findPack(layer: LayerDescriptor, { store, convertOptions }: Packing): Promise<PackedLayer | undefined> {
  const path = await store.packs.find(packName(layer.digest, convertOptions));
  if (path === undefined) return undefined;
  let packed: PackedLayer;
  try {
    packed = await openPackedLayer(path, layer.digest);
  } catch (error) {
    // Whoever makes it anew puts it in the place of this one; absent is one that was removed just now.
    if (hasCode(error, 'layer-pack-damaged', 'file-operation-failed', 'permission-denied')) return undefined;
    throw error;
  }
  // It was made for another image, whose configuration may have said something else of the same blob, or nothing.
  if (layer.diffId === undefined || packed.facts.archiveDigest === layer.diffId) return packed;
  await packed[Symbol.asyncDispose]();
  return undefined;
}

async function makePack(layer: LayerDescriptor, packing: Packing): Promise<PackedLayer> {
  const { store, source, convertOptions, emit, signal, clock } = packing;
  const { digest, sizeBytes, diffId } = layer;
  const { limits } = convertOptions;
  const context = { limits, counters: packing.counters, settings: convertOptions, blocks: packing.blocks, signal };
  await using sink = createPackSink(store.temporaryPath, (blob, path) =>
    packLayer(
      { name: digest, sizeBytes, open: () => blob, ...(diffId === undefined ? {} : { diffId }) },
      path,
      context,
    ),
  );
  await downloadBlob({
    source,
    layer,
    path: blobPath(store.path, digest),
    mode: 0o644,
    sink: {
      ...sink,
      async finish() {
        await sink.finish();
        await store.packs.put(packName(digest, convertOptions), sink.path());
      },
    },
    emit,
    clock,
    random: Math.random,
    signal,
  });
  const path = await store.packs.find(packName(digest, convertOptions));
  if (path === undefined) throw new Error(`the pack of layer ${digest} was removed while it was needed`);
  return await openPackedLayer(path, digest);
}
