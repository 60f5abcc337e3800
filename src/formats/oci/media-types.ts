// SPDX-License-Identifier: Apache-2.0
// The media types of OCI image-spec v1.1 ("Media Types") and of Docker's image manifest version 2, schema 2.

export const ociManifestType = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndexType = 'application/vnd.oci.image.index.v1+json';
export const ociConfigType = 'application/vnd.oci.image.config.v1+json';
export const dockerManifestType = 'application/vnd.docker.distribution.manifest.v2+json';
export const dockerListType = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const dockerConfigType = 'application/vnd.docker.container.image.v1+json';

export type ManifestKind = 'manifest' | 'index' | 'schema1';

/** What kind of document a media type announces; undefined for all others. Parameters (`; charset=…`) are ignored. */
export function manifestKind(mediaType: string): ManifestKind | undefined {
  switch (withoutParameters(mediaType)) {
    case ociManifestType:
    case dockerManifestType:
      return 'manifest';
    case ociIndexType:
    case dockerListType:
      return 'index';
    case 'application/vnd.docker.distribution.manifest.v1+json':
    case 'application/vnd.docker.distribution.manifest.v1+prettyjws':
      return 'schema1';
    default:
      return undefined;
  }
}

export type LayerCompression = 'none' | 'gzip' | 'zstd';
export type LayerType = {
  readonly compression: LayerCompression;
  /** Its bytes may be missing from registries; the descriptor's `urls` say where they are ("foreign" in Docker's words). */
  readonly isForeign: boolean;
};

const ociLayer = /^application\/vnd\.oci\.image\.layer(\.nondistributable)?\.v1\.tar(?:\+(gzip|zstd))?$/;
const dockerLayer = /^application\/vnd\.docker\.image\.rootfs(\.foreign)?\.diff\.tar(?:\.(gzip|zstd))?$/;

/** What a layer's media type says about its bytes; undefined when it is no layer that can be unpacked. */
export function layerType(mediaType: string): LayerType | undefined {
  const match = ociLayer.exec(mediaType) ?? dockerLayer.exec(mediaType);
  if (match === null) return undefined;
  const compression = match[2] === 'gzip' || match[2] === 'zstd' ? match[2] : 'none';
  return { compression, isForeign: match[1] !== undefined };
}

function withoutParameters(mediaType: string): string {
  return (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
