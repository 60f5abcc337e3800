// SPDX-License-Identifier: Apache-2.0
// Image manifests and indexes: OCI image-spec v1.1 ("Image Manifest", "Image Index") and Docker's schema 2 and
// manifest list, which have the same shape. Everything that is used is checked; unknown fields are ignored, as the
// specification demands. A document that could be read as both kinds is refused (CVE-2021-41190).
import { type Digest, type Platform, SlipwayError } from '../../model/index.ts';
import {
  type JsonObject,
  malformed,
  objectList,
  optionalObject,
  optionalString,
  parseJsonObject,
  requiredDigest,
  requiredObject,
  requiredSize,
  requiredString,
  shown,
  stringList,
  stringMap,
} from './json-fields.ts';
import { dockerConfigType, layerType, type ManifestKind, manifestKind, ociConfigType } from './media-types.ts';

export const maxLayers = 1024;
const maxIndexMembers = 4096;
const maxUrls = 16;

export type Descriptor = {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
};

/** A layer, and where else its bytes are when the registry may not distribute them. */
export type ManifestLayer = Descriptor & { readonly urls: readonly string[] };

export type ImageManifest = {
  readonly kind: 'manifest';
  readonly config: Descriptor;
  /** From the base upwards. */
  readonly layers: readonly ManifestLayer[];
};

export type IndexMember = Descriptor & { readonly kind: 'manifest' | 'index'; readonly platform?: Platform };

export type ImageIndex = {
  readonly kind: 'index';
  /** Images and nested indexes only: signatures, attestations and members of unknown type are left out. */
  readonly members: readonly IndexMember[];
};

/**
 * Reads a manifest or an index.
 * @param what how messages name the document, e.g. `the manifest of docker.io/library/debian:12`
 * @param contentType what the server, or the descriptor that led here, calls it; used where the document does not say
 * @throws SlipwayError `manifest-malformed`: it breaks the specification; `manifest-unsupported`: Docker schema 1, an
 *   artifact that is no container image, encrypted layers
 */
export function parseManifest(bytes: Uint8Array, what: string, contentType?: string): ImageManifest | ImageIndex {
  const document = parseJsonObject(bytes, what);
  const kind = kindOf(document, contentType);
  if (kind === 'schema1' || document.values.get('schemaVersion') === 1) {
    throw schema1Unsupported(what);
  }
  if (document.values.get('schemaVersion') !== 2) throw malformed(document, 'schemaVersion', 'is not 2');
  return kind === 'index' ? readIndex(document) : readManifest(document);
}

/** The refusal of what was pushed by docker before 1.10. */
export function schema1Unsupported(what: string): SlipwayError {
  const reason =
    'it is a Docker schema 1 manifest, whose layers have no sizes or media types to check; push the image again with a current tool';
  return unsupported(what, reason);
}

function kindOf(document: JsonObject, contentType: string | undefined): ManifestKind {
  const own = optionalString(document, 'mediaType');
  const ownKind = own === undefined ? undefined : manifestKind(own);
  if (own !== undefined && ownKind === undefined) {
    throw unsupported(document.what, `it is of type "${shown(own)}", which is neither an image manifest nor an index`);
  }
  const servedKind = contentType === undefined ? undefined : manifestKind(contentType);
  if (ownKind !== undefined && servedKind !== undefined && ownKind !== servedKind) {
    throw malformed(
      document,
      'mediaType',
      `says "${shown(own ?? '')}" but it was served as "${shown(contentType ?? '')}"`,
    );
  }
  const kind = ownKind ?? servedKind;
  if (kind !== undefined) return kind;
  if (document.values.has('fsLayers')) return 'schema1';
  if (document.values.has('manifests')) return 'index';
  if (document.values.has('layers') || document.values.has('config')) return 'manifest';
  throw unsupported(document.what, 'it is neither an image manifest nor an index');
}

function readManifest(document: JsonObject): ImageManifest {
  refuseFields(document, ['manifests', 'fsLayers'], 'an image manifest');
  const config = readDescriptor(requiredObject(document, 'config'));
  if (config.mediaType !== ociConfigType && config.mediaType !== dockerConfigType) {
    const type = optionalString(document, 'artifactType') ?? config.mediaType;
    throw unsupported(document.what, `it is no container image but an artifact of type "${shown(type)}"`);
  }
  const layers = objectList(document, 'layers', maxLayers).map((layer): ManifestLayer => {
    const descriptor = readDescriptor(layer);
    const type = layerType(descriptor.mediaType);
    if (type === undefined) {
      const reason = descriptor.mediaType.endsWith('+encrypted') ? 'is encrypted' : 'is no file system layer';
      throw unsupported(document.what, `${layer.path}mediaType "${shown(descriptor.mediaType)}" ${reason}`);
    }
    return { ...descriptor, urls: type.isForeign ? stringList(layer, 'urls', maxUrls) : [] };
  });
  for (const [index, layer] of layers.entries()) {
    const first = layers.find(({ digest }) => digest === layer.digest);
    if (first?.sizeBytes === layer.sizeBytes) continue;
    throw malformed(document, `layers[${index}].size`, 'differs from that of an earlier layer with the same digest');
  }
  return { kind: 'manifest', config, layers };
}

function readIndex(document: JsonObject): ImageIndex {
  refuseFields(document, ['layers', 'config', 'fsLayers'], 'an image index');
  const members = objectList(document, 'manifests', maxIndexMembers).flatMap((member): readonly IndexMember[] => {
    const descriptor = readDescriptor(member);
    const kind = manifestKind(descriptor.mediaType);
    const platform = readPlatform(member);
    if (kind !== 'manifest' && kind !== 'index') return [];
    // BuildKit files its attestations as image manifests for the platform unknown/unknown.
    if (stringMap(member, 'annotations')['vnd.docker.reference.type'] !== undefined) return [];
    if (platform?.os === 'unknown' && platform.architecture === 'unknown') return [];
    return [{ ...descriptor, kind, ...(platform === undefined ? {} : { platform }) }];
  });
  return { kind: 'index', members };
}

function readDescriptor(object: JsonObject): Descriptor {
  return {
    mediaType: requiredString(object, 'mediaType'),
    digest: requiredDigest(object, 'digest'),
    sizeBytes: requiredSize(object, 'size'),
  };
}

function readPlatform(member: JsonObject): Platform | undefined {
  const platform = optionalObject(member, 'platform');
  if (platform === undefined) return undefined;
  const variant = optionalString(platform, 'variant');
  return {
    os: requiredString(platform, 'os'),
    architecture: requiredString(platform, 'architecture'),
    ...(variant === undefined ? {} : { variant }),
  };
}

function refuseFields(document: JsonObject, names: readonly string[], kind: string): void {
  for (const name of names) {
    if (document.values.has(name)) throw malformed(document, name, `has no place in ${kind}`);
  }
}

function unsupported(what: string, reason: string): SlipwayError {
  return new SlipwayError('manifest-unsupported', { what, reason });
}
