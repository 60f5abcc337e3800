// SPDX-License-Identifier: Apache-2.0
// An image as the parts that any place for images takes: layers one after another, then configuration and manifest. An
// image with layers keeps them as they are; a tree becomes one layer.
import { createHash } from 'node:crypto';
import {
  composeConfig,
  composeManifest,
  configDescriptor,
  type Descriptor,
  ociConfigType,
  ociLayerType,
  ociManifestType,
} from '../../formats/oci/index.ts';
import type { Digest, Emit, PullEvent } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import type { ConvertOptions } from '../convert/index.ts';
import { digestOf } from '../digest-of.ts';
import type { OpenedSource } from '../sources/open-source.ts';
import { adaptSink } from '../trees/adapt-sink.ts';
import { createTarSink } from '../trees/tar-sink.ts';
import type { TreeProgress, TreeSource, TreeTotals } from '../trees/tree.ts';
import { createTreeWarnings } from '../trees/tree-warnings.ts';
import type { ImageSource, LayerDescriptor, ResolvedImage } from '../types.ts';
import { compressInto } from './compress-stream.ts';
import { copyBlob } from './read-blob.ts';

export type Write = (chunk: Buffer) => Promise<void>;

/** How a tree's layer is compressed. */
export type LayerCompression = 'gzip' | 'zstd' | 'none';

export type ExportContext = {
  /** How events call the image; by its digest unless given. */
  readonly name?: string;
  readonly layerCompression: LayerCompression;
  readonly options: Pick<ConvertOptions, 'threads' | 'owner' | 'maxMtimeSec'>;
  readonly searchPath: string;
  readonly emit: Emit<PullEvent>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

export type ExportedImage = {
  readonly manifest: Descriptor;
  readonly manifestBytes: Buffer;
  readonly config: Descriptor;
  readonly configBytes: Buffer;
  readonly layers: readonly LayerDescriptor[];
};

/** Takes a layer: `produce` writes its bytes and says what they were. */
export type TakeLayer = (produce: (write: Write) => Promise<LayerDescriptor>) => Promise<void>;

/**
 * Hands over all layers, each digest once, and gives the documents that refer to them, in OCI's form.
 * @throws SlipwayError of the source; what `take` throws
 */
export async function exportImage(
  opened: OpenedSource,
  take: TakeLayer,
  context: ExportContext,
): Promise<ExportedImage> {
  if (opened.kind === 'image') {
    const resolved = await resolveImage(opened.source, context);
    const seen = new Set<Digest>();
    for (const layer of resolved.layers) {
      if (seen.has(layer.digest)) continue;
      seen.add(layer.digest);
      await take(async (write) => {
        await copyBlob({ ...context, source: opened.source, layer }, write);
        return layer;
      });
    }
    return toOciImage(resolved);
  }
  const layers: LayerDescriptor[] = [];
  await take(async (write) => {
    const { layer } = await writeTreeLayer(opened.source, write, context);
    layers.push(layer);
    return layer;
  });
  return composeTreeImage(opened.source, layers);
}

/** The documents of an image that a tree was made into. */
export function composeTreeImage({ config }: TreeSource, layers: readonly LayerDescriptor[]): ExportedImage {
  const diffIds = layers.flatMap(({ diffId }) => (diffId === undefined ? [] : [diffId]));
  return withManifest(composeConfig(config, diffIds, 'slipway convert'), layers);
}

/** Resolves, and says so as a pull does. */
export async function resolveImage(source: ImageSource, context: ExportContext): Promise<ResolvedImage> {
  const resolved = await source.resolve(context.signal);
  const { platform } = resolved.config;
  const variant = platform.variant === undefined ? '' : `/${platform.variant}`;
  context.emit({
    type: 'resolved',
    reference: context.name ?? resolved.digest,
    digest: resolved.digest,
    platform: `${platform.os}/${platform.architecture}${variant}`,
    layers: resolved.layers.map(({ digest, sizeBytes }) => ({ digest, sizeBytes })),
  });
  return resolved;
}

/** The image with OCI media types: one that has them keeps its manifest, and so its digest. */
function toOciImage(resolved: ResolvedImage): ExportedImage {
  const layers = resolved.layers.map((layer) => ({ ...layer, mediaType: ociLayerType(layer.mediaType) }));
  const config: Descriptor = {
    mediaType: ociConfigType,
    digest: resolved.configDigest,
    sizeBytes: resolved.configBytes.length,
  };
  if (!isOciManifest(resolved.manifestBytes)) return { ...withManifest(resolved.configBytes, layers), config };
  const manifest = {
    mediaType: ociManifestType,
    digest: resolved.digest,
    sizeBytes: resolved.manifestBytes.length,
  };
  const { manifestBytes, configBytes } = resolved;
  return { manifest, manifestBytes, config, configBytes, layers };
}

/** An image of OCI's types with this configuration and these layers. */
export function withManifest(configBytes: Buffer, layers: readonly LayerDescriptor[]): ExportedImage {
  const config = configDescriptor(digestOf(configBytes), configBytes.length);
  const manifestBytes = composeManifest(config, layers);
  const manifest = {
    mediaType: ociManifestType,
    digest: digestOf(manifestBytes),
    sizeBytes: manifestBytes.length,
  };
  return { manifest, manifestBytes, config, configBytes, layers };
}

/** Its digest has been checked and it has been parsed: what it calls its configuration is all that is asked. */
function isOciManifest(bytes: Buffer): boolean {
  const { config } = JSON.parse(bytes.toString('utf8')) as { readonly config?: { readonly mediaType?: unknown } };
  return config?.mediaType === ociConfigType;
}

/** Writes a tree as a layer, compressed, and says what it has written. */
export async function writeTreeLayer(
  tree: TreeSource,
  write: Write,
  context: ExportContext,
): Promise<{ readonly layer: LayerDescriptor & { readonly diffId: Digest }; readonly totals: TreeTotals }> {
  const { layerCompression: compression, options, searchPath, emit, signal } = context;
  const { threads } = options;
  const warnings = createTreeWarnings();
  const plain = createHash('sha256');
  const stored = createHash('sha256');
  let sizeBytes = 0;
  let totals: TreeTotals = { entries: 0, contentBytes: 0 };
  const writeStored = async (chunk: Buffer): Promise<void> => {
    stored.update(chunk);
    sizeBytes += chunk.length;
    await write(chunk);
  };
  await compressInto(writeStored, { compression, threads, searchPath, signal }, async (writePlain) => {
    const sink = createTarSink({
      write: async (chunk) => {
        plain.update(chunk);
        await writePlain(chunk);
      },
      isLayer: true,
      onWhiteoutName: () => warnings.count('whiteouts-dropped'),
    });
    totals = await tree.read(adaptSink(sink, options), { signal, progress: treeProgress(emit) });
    await sink.finish();
  });
  warnings.emitAll(emit);
  const suffix = compression === 'none' ? '' : `+${compression}`;
  return {
    layer: {
      mediaType: `application/vnd.oci.image.layer.v1.tar${suffix}`,
      digest: `sha256:${stored.digest('hex')}` as Digest,
      sizeBytes,
      diffId: `sha256:${plain.digest('hex')}` as Digest,
    },
    totals,
  };
}

const progressBytes = 16 * 1024 * 1024;

/** Reports now and then. Where the whole is not known beforehand, what is done stands for it. */
export function treeProgress(emit: Emit<PullEvent>): TreeProgress {
  let reported = 0;
  return (doneBytes, totalBytes) => {
    if (doneBytes < reported + progressBytes && doneBytes !== totalBytes) return;
    reported = doneBytes;
    emit({ type: 'convert-progress', doneBytes, totalBytes: totalBytes ?? doneBytes });
  };
}
