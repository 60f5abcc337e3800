// SPDX-License-Identifier: Apache-2.0
// An image of any form into a registry: its layers first, several at a time, then the configuration, and last the manifest,
// so that whoever sees the image can have all of it.
import { type Descriptor, dockerManifestType, layerType, ociManifestType } from '../../formats/oci/index.ts';
import {
  type Digest,
  formatImageReference,
  type ImageReference,
  noRegistryRules,
  placesOf,
  type RegistryRules,
  SlipwayError,
} from '../../model/index.ts';
import { removeIfPresent } from '../../sys/files.ts';
import { digestOf } from '../digest-of.ts';
import {
  composeTreeImage,
  type ExportContext,
  type ExportedImage,
  resolveImage,
  withManifest,
} from '../exports/image-parts.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { discardBody } from '../registry/answers.ts';
import { openSession, type SessionSettings } from '../registry/open-session.ts';
import { type RegistrySession, unexpectedAnswer } from '../registry/session.ts';
import type { OpenedSource } from '../sources/open-source.ts';
import type { LayerDescriptor, ResolvedImage } from '../types.ts';
import { type ReadyLayer, readyLayer, readyTree } from './ready-layer.ts';
import { uploadBlob } from './upload-blob.ts';

export type ImagePush = {
  /** Stays open; its owner closes it. */
  readonly from: OpenedSource;
  readonly to: ImageReference;
  /** How the registry is reached: credentials, certificates, proxies, limits. */
  readonly access: Omit<SessionSettings, 'reference' | 'isInsecure' | 'emit' | 'clock'>;
  /** The location that a rule gives is pushed to, never a mirror; no rules unless given. */
  readonly rules?: RegistryRules;
  /** A repository of the same registry that has the layers, perhaps. */
  readonly mountFrom?: string;
  /** Bytes of a blob to send in one request; all of them unless given. */
  readonly chunkBytes?: number;
  /** Blobs at a time; 4 unless given. */
  readonly concurrency?: number;
  /** Paths for layers that have to be made before they can be sent. */
  readonly temporaryPath: () => string;
  /** `layerCompression` also concerns layers that are not compressed; `none` leaves them so. */
  readonly context: ExportContext;
};

export type PushedImage = {
  readonly digest: Digest;
  /** Bytes that had to be sent. */
  readonly sentBytes: number;
};

/** Registries look at what they got before they answer. */
const answerTimeoutMs = 600_000;

/**
 * Pushes an image. One that has a manifest keeps it, and with it its digest, unless its layers had to be compressed.
 * @throws SlipwayError `registry-blocked`, `registry-*`, `push-digest-differs`; those of the source; the signal's reason
 */
export async function pushImage(push: ImagePush): Promise<PushedImage> {
  const { to, context } = push;
  const session = openSession({
    ...push.access,
    ...place(push),
    ...context,
    limits: { ...push.access.limits, answerTimeoutMs },
  });
  const made: string[] = [];
  const temporaryPath = (): string => {
    const path = push.temporaryPath();
    made.push(path);
    return path;
  };
  try {
    const { image, layers } = await prepare({ ...push, temporaryPath });
    if (to.digest !== undefined && to.digest !== image.manifest.digest) {
      const fields = { reference: formatImageReference(to), actual: image.manifest.digest };
      throw new SlipwayError('push-digest-differs', fields);
    }
    const sentBytes = await uploadAll(push, session, { image, layers });
    await putManifest(session, image, push);
    return { digest: image.manifest.digest, sentBytes };
  } finally {
    await session.close();
    for (const path of made) await removeIfPresent(path);
  }
}

/** Where it is pushed to: the place behind all mirrors. */
function place({ to, rules }: ImagePush): { readonly reference: ImageReference; readonly isInsecure: boolean } {
  const places = placesOf(to, (rules ?? noRegistryRules).rules);
  if ('blockedBy' in places) {
    throw new SlipwayError('registry-blocked', { reference: formatImageReference(to), prefix: places.blockedBy });
  }
  return places.at(-1) ?? { reference: to, isInsecure: false };
}

type PreparedImage = { readonly image: ExportedImage; readonly layers: readonly ReadyLayer[] };

async function prepare(push: ImagePush): Promise<PreparedImage> {
  const { from, context } = push;
  if (from.kind === 'tree') {
    const layer = await readyTree(from.source, push);
    return { image: composeTreeImage(from.source, [layer.descriptor]), layers: [layer] };
  }
  const { source } = from;
  const resolved = await resolveImage(source, context);
  const distinct = [...new Map(resolved.layers.map((layer) => [layer.digest, layer])).values()];
  const mustCompress = context.layerCompression !== 'none' && distinct.some(({ mediaType }) => isPlain(mediaType));
  const layers: ReadyLayer[] = [];
  for (const layer of distinct)
    layers.push(await readyLayer(source, layer, push, isPlain(layer.mediaType) && mustCompress));
  if (!mustCompress) return { image: asItIs(resolved), layers };
  const ready = new Map(distinct.map(({ digest }, index) => [digest, layers[index]?.descriptor]));
  const descriptors = resolved.layers.map((layer) => ready.get(layer.digest) ?? layer);
  return { image: withManifest(resolved.configBytes, descriptors), layers };
}

function isPlain(mediaType: string): boolean {
  return layerType(mediaType)?.compression === 'none';
}

function asItIs(resolved: ResolvedImage): ExportedImage {
  const { manifestBytes, configBytes, digest, configDigest, layers } = resolved;
  const manifest = JSON.parse(manifestBytes.toString('utf8')) as {
    readonly mediaType?: unknown;
    readonly config?: unknown;
  };
  const mediaType = manifest.mediaType === dockerManifestType ? dockerManifestType : ociManifestType;
  return {
    manifest: { mediaType, digest, sizeBytes: manifestBytes.length },
    manifestBytes,
    config: { mediaType: '', digest: configDigest, sizeBytes: configBytes.length },
    configBytes,
    layers,
  };
}

async function uploadAll(push: ImagePush, session: RegistrySession, { image, layers }: PreparedImage): Promise<number> {
  const { emit, clock } = push.context;
  const stop = new AbortController();
  const signal = AbortSignal.any([push.context.signal, stop.signal]);
  const common = {
    session,
    ...(push.chunkBytes === undefined ? {} : { chunkBytes: push.chunkBytes }),
    ...(push.mountFrom === undefined ? {} : { mountFrom: push.mountFrom }),
    emit,
    clock,
    signal,
  };
  let sentBytes = 0;
  const send = async ({ digest, sizeBytes }: Descriptor | LayerDescriptor, open: ReadyLayer['open']): Promise<void> => {
    try {
      if ((await uploadBlob({ ...common, digest, sizeBytes, open })) === 'uploaded') sentBytes += sizeBytes;
    } catch (error) {
      // The others are no use without this one.
      stop.abort(error);
      throw error;
    }
  };
  await mapConcurrently(layers, push.concurrency ?? 4, async ({ descriptor, open }) => await send(descriptor, open));
  await send(image.config, async function* config(offsetBytes) {
    yield await Promise.resolve(image.configBytes.subarray(offsetBytes));
  });
  return sentBytes;
}

async function putManifest(session: RegistrySession, image: ExportedImage, { to, context }: ImagePush): Promise<void> {
  const { registry } = session.reference;
  const { manifest, manifestBytes } = image;
  const task = `push ${formatImageReference(to)}`;
  const order = {
    method: 'PUT',
    to: { path: `manifests/${to.tag ?? manifest.digest}` },
    task,
    headers: { 'content-type': manifest.mediaType, 'content-length': String(manifestBytes.length) },
    body: () => manifestBytes,
  } as const;
  await session.send(order, context.signal, async (response) => {
    if (response.status !== 201 && response.status !== 202 && response.status !== 200) {
      throw await unexpectedAnswer(response, task, registry);
    }
    const stated = response.header('docker-content-digest')[0];
    await discardBody(response);
    if (stated === undefined || stated === digestOf(manifestBytes)) return;
    const reason = `keeps the manifest as ${stated}, not as ${manifest.digest}`;
    throw new SlipwayError('registry-error', { task, registry, reason });
  });
}
