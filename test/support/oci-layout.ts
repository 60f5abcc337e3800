// SPDX-License-Identifier: Apache-2.0
// OCI image layouts written by hand: small, exact, and free to be wrong where a test wants them to be.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';

export type Blob = { readonly mediaType: string; readonly digest: string; readonly size: number };

export type LayoutImage = {
  readonly architecture?: string;
  readonly variant?: string;
  /** Uncompressed layers; what they hold need not be tar. */
  readonly layers: readonly Buffer[];
  /** gzip when left out. */
  readonly compression?: 'gzip' | 'zstd';
  /** The `config` member of the image configuration. */
  readonly config?: object;
};

/** Writes a layout with one tag: an index where there are several images, else the image's manifest. */
export function writeLayout(directory: string, tag: string, images: readonly LayoutImage[]): void {
  const blobs = join(directory, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, bytes: Buffer): Blob => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const putJson = (mediaType: string, value: object): Blob => put(mediaType, Buffer.from(JSON.stringify(value)));

  const members = images.map((image) => {
    const architecture = image.architecture ?? 'amd64';
    const platform = { os: 'linux', architecture, ...(image.variant === undefined ? {} : { variant: image.variant }) };
    const config = putJson('application/vnd.oci.image.config.v1+json', {
      ...platform,
      config: image.config ?? {},
      rootfs: {
        type: 'layers',
        diff_ids: image.layers.map((layer) => `sha256:${createHash('sha256').update(layer).digest('hex')}`),
      },
    });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const compression = image.compression ?? 'gzip';
    const compress = compression === 'zstd' ? zstdCompressSync : gzipSync;
    const layerType = `application/vnd.oci.image.layer.v1.tar+${compression}`;
    const layers = image.layers.map((layer) => put(layerType, compress(layer)));
    return { ...putJson(mediaType, { schemaVersion: 2, mediaType, config, layers }), platform };
  });
  const indexType = 'application/vnd.oci.image.index.v1+json';
  const [first] = members;
  if (first === undefined) throw new Error('a layout needs an image');
  const tagged =
    members.length === 1 ? first : putJson(indexType, { schemaVersion: 2, mediaType: indexType, manifests: members });
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  writeFileSync(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(
    join(directory, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...tagged, annotations }] }),
  );
}
