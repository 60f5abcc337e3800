// SPDX-License-Identifier: Apache-2.0
// The store's records as text, and back. Pure: whoever reads the file gives its text and its path for the error.
import {
  type AcceptedSignature,
  type Digest,
  formatImageReference,
  type ImageConfig,
  parseDigest,
  parseImageReference,
  SlipwayError,
  type Verification,
} from '../../model/index.ts';
import type { ImageAccess, LayerDescriptor, StoredImage, StoredTag } from '../types.ts';
import {
  countField,
  countList,
  type Fields,
  objectField,
  objectList,
  optionalString,
  parseFields,
  RecordFault,
  stringField,
  stringList,
  stringMap,
} from './json-fields.ts';

/** More than an image configuration may have (registries take manifests and configurations up to 4 MiB). */
export const maxRecordBytes: number = 16 * 1024 * 1024;

export function formatStoredImage(image: StoredImage): string {
  return `${JSON.stringify(image, undefined, 2)}\n`;
}

/** @throws SlipwayError `store-damaged` with the path and what is wrong; also where it is another image's record. */
export function parseStoredImage(
  text: string,
  source: { readonly path: string; readonly digest: Digest },
): StoredImage {
  return reading(source.path, () => {
    const fields = parseFields(text);
    const digest = digestField(fields, 'digest');
    if (digest !== source.digest) throw new RecordFault(`it is the record of ${digest}`);
    const indexDigest = optionalDigest(fields, 'indexDigest');
    const configDigest = optionalDigest(fields, 'configDigest');
    return {
      digest,
      ...(indexDigest === undefined ? {} : { indexDigest }),
      ...(configDigest === undefined ? {} : { configDigest }),
      config: readConfig(objectField(fields, 'config')),
      layers: objectList(fields, 'layers').map(readLayer),
      sizeBytes: countField(fields, 'sizeBytes'),
      entries: countField(fields, 'entries'),
      converted: stringField(fields, 'converted'),
      ...(fields['verification'] === undefined
        ? {}
        : { verification: readVerification(objectField(fields, 'verification')) }),
      ...(fields['access'] === undefined ? {} : { access: readAccess(objectField(fields, 'access')) }),
    };
  });
}

export function formatStoredTag(tag: StoredTag): string {
  const { reference, digest, pulled } = tag;
  return `${JSON.stringify({ reference: formatImageReference(reference), digest, pulled }, undefined, 2)}\n`;
}

/** @throws SlipwayError `store-damaged`. */
export function parseStoredTag(text: string, path: string): StoredTag {
  return reading(path, () => {
    const fields = parseFields(text);
    return {
      reference: parseImageReference(stringField(fields, 'reference')),
      digest: digestField(fields, 'digest'),
      pulled: stringField(fields, 'pulled'),
    };
  });
}

/** The blobs that a pull needs. */
export function formatPullRecord(blobs: readonly Digest[]): string {
  return `${JSON.stringify({ blobs })}\n`;
}

/** @throws SlipwayError `store-damaged`. */
export function parsePullRecord(text: string, path: string): readonly Digest[] {
  return reading(path, () => stringList(parseFields(text), 'blobs').map((blob) => asDigest(blob, 'blobs')));
}

function readConfig(fields: Fields): ImageConfig {
  const platform = objectField(fields, 'platform');
  const variant = optionalString(platform, 'variant');
  const created = optionalString(fields, 'created');
  const workdir = optionalString(fields, 'workdir');
  const user = optionalString(fields, 'user');
  return {
    platform: {
      os: stringField(platform, 'os'),
      architecture: stringField(platform, 'architecture'),
      ...(variant === undefined ? {} : { variant }),
    },
    ...(created === undefined ? {} : { created }),
    env: stringList(fields, 'env'),
    entrypoint: stringList(fields, 'entrypoint'),
    cmd: stringList(fields, 'cmd'),
    ...(workdir === undefined ? {} : { workdir }),
    ...(user === undefined ? {} : { user }),
    labels: stringMap(fields, 'labels'),
  };
}

function readAccess(fields: Fields): ImageAccess {
  return { users: countList(fields, 'users'), groups: countList(fields, 'groups') };
}

function readVerification(fields: Fields): Verification {
  return {
    by: stringField(fields, 'by'),
    signatures: objectList(fields, 'signatures').map(readSignature),
    verified: stringField(fields, 'verified'),
  };
}

function readSignature(fields: Fields): AcceptedSignature {
  const kind = stringField(fields, 'kind');
  if (kind !== 'simple-signing' && kind !== 'cosign' && kind !== 'sigstore-bundle') {
    throw new RecordFault(`kind is ${JSON.stringify(kind)}`);
  }
  const identity = optionalString(fields, 'identity');
  return {
    kind,
    key: stringField(fields, 'key'),
    digest: digestField(fields, 'digest'),
    ...(identity === undefined ? {} : { identity }),
  };
}

function readLayer(fields: Fields): LayerDescriptor {
  const diffId = optionalDigest(fields, 'diffId');
  return {
    mediaType: stringField(fields, 'mediaType'),
    digest: digestField(fields, 'digest'),
    sizeBytes: countField(fields, 'sizeBytes'),
    ...(diffId === undefined ? {} : { diffId }),
  };
}

function digestField(fields: Fields, name: string): Digest {
  return asDigest(stringField(fields, name), name);
}

function optionalDigest(fields: Fields, name: string): Digest | undefined {
  const text = optionalString(fields, name);
  return text === undefined ? undefined : asDigest(text, name);
}

function asDigest(text: string, name: string): Digest {
  const digest = parseDigest(text);
  if (digest === undefined) throw new RecordFault(`${name} is no digest`);
  return digest;
}

function reading<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RecordFault || error instanceof SlipwayError) {
      throw new SlipwayError('store-damaged', { path, reason: error.message }, { cause: error });
    }
    throw error;
  }
}
