// SPDX-License-Identifier: Apache-2.0
// Manifests that hold something else than a container image (signatures and the like), and lists of what refers to an
// image (distribution-spec v1.1, "Listing Referrers").
import type { Descriptor } from './manifest.ts';
import {
  type JsonObject,
  objectList,
  optionalObject,
  optionalString,
  parseJsonObject,
  requiredDigest,
  requiredSize,
  requiredString,
  stringMap,
} from './json-fields.ts';
import type { Digest } from '../../model/index.ts';

export type AnnotatedDescriptor = Descriptor & { readonly annotations: Readonly<Record<string, string>> };

/** A manifest that refers to another; the type is empty where none is said. */
export type Referrer = AnnotatedDescriptor & { readonly artifactType: string };

export type Artifact = {
  /** Empty where none is said. */
  readonly artifactType: string;
  /** What it refers to. */
  readonly subject?: Digest;
  readonly layers: readonly AnnotatedDescriptor[];
};

const maxReferrers = 1000;
const maxLayers = 256;

/** The members of an index of referrers. @throws SlipwayError `manifest-malformed` */
export function parseReferrers(bytes: Uint8Array, what: string): readonly Referrer[] {
  return objectList(parseJsonObject(bytes, what), 'manifests', maxReferrers).map((member) => ({
    ...readDescriptor(member),
    artifactType: optionalString(member, 'artifactType') ?? '',
  }));
}

/** @throws SlipwayError `manifest-malformed` */
export function parseArtifact(bytes: Uint8Array, what: string): Artifact {
  const document = parseJsonObject(bytes, what);
  const config = optionalObject(document, 'config');
  const subject = optionalObject(document, 'subject');
  return {
    // image-spec, "Guidelines for Artifact Usage": without an artifactType the configuration's type is the artifact's.
    artifactType: optionalString(document, 'artifactType') ?? (config && optionalString(config, 'mediaType')) ?? '',
    ...(subject === undefined ? {} : { subject: requiredDigest(subject, 'digest') }),
    layers: objectList(document, 'layers', maxLayers).map(readDescriptor),
  };
}

function readDescriptor(object: JsonObject): AnnotatedDescriptor {
  return {
    mediaType: requiredString(object, 'mediaType'),
    digest: requiredDigest(object, 'digest'),
    sizeBytes: requiredSize(object, 'size'),
    annotations: stringMap(object, 'annotations'),
  };
}
