// SPDX-License-Identifier: Apache-2.0
// Which images a place holds, and under which names: `index.json` of an OCI layout (image-spec v1.1, "Image Layout"),
// and `manifest.json` of an archive that `docker save` writes (moby, image/tarexport).
import { type Digest, type Platform } from '../../model/index.ts';
import {
  malformed,
  objectList,
  optionalObject,
  optionalString,
  parseJsonObject,
  parseJsonObjects,
  requiredDigest,
  requiredSize,
  requiredString,
  stringList,
  stringMap,
} from './json-fields.ts';
import { maxLayers } from './manifest.ts';
import { manifestKind } from './media-types.ts';

const maxImages = 4096;
const maxNames = 1024;

/** A manifest or index that a layout's index lists. */
export type LayoutEntry = {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Tags or full names, as their writer put them. */
  readonly names: readonly string[];
  readonly platform?: Platform;
};

/** What skopeo, umoci and podman write, then containerd's full name. */
const nameAnnotations = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'];

/**
 * The images of an OCI layout, in its order; members of other types are left out.
 * @throws SlipwayError `manifest-malformed`
 */
export function parseLayoutIndex(bytes: Uint8Array, what: string): readonly LayoutEntry[] {
  const document = parseJsonObject(bytes, what);
  if (document.values.get('schemaVersion') !== 2) throw malformed(document, 'schemaVersion', 'is not 2');
  return objectList(document, 'manifests', maxImages).flatMap((member): readonly LayoutEntry[] => {
    const mediaType = requiredString(member, 'mediaType');
    const kind = manifestKind(mediaType);
    if (kind !== 'manifest' && kind !== 'index') return [];
    const annotations = stringMap(member, 'annotations');
    const names = nameAnnotations.flatMap((name) => annotations[name] ?? []).filter((name) => name !== '');
    const platform = optionalObject(member, 'platform');
    const entry = {
      mediaType,
      digest: requiredDigest(member, 'digest'),
      sizeBytes: requiredSize(member, 'size'),
      names,
    };
    if (platform === undefined) return [entry];
    const variant = optionalString(platform, 'variant');
    const [os, architecture] = [requiredString(platform, 'os'), requiredString(platform, 'architecture')];
    return [{ ...entry, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } }];
  });
}

/** An image of a saved archive: the names of its members in the archive. */
export type SavedImage = {
  readonly config: string;
  /** From the base upwards. */
  readonly layers: readonly string[];
  readonly names: readonly string[];
};

/** @throws SlipwayError `manifest-malformed` */
export function parseSavedImages(bytes: Uint8Array, what: string): readonly SavedImage[] {
  return parseJsonObjects(bytes, what, maxImages).map((image) => ({
    config: requiredString(image, 'Config'),
    layers: stringList(image, 'Layers', maxLayers),
    names: stringList(image, 'RepoTags', maxNames),
  }));
}
