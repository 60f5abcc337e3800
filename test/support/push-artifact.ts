// SPDX-License-Identifier: Apache-2.0
// Puts blobs and manifests of any kind into a registry without authentication, as cosign and oras do
// (distribution-spec, "Pushing").
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

export type Blob = {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** A repository: `HOST:PORT/NAME`. */
export type Repository = string;

const emptyConfig: Blob = { mediaType: 'application/vnd.oci.empty.v1+json', bytes: Buffer.from('{}') };

/** Pushes a manifest with these layers under a tag, or by its digest; gives its descriptor. */
export async function pushArtifact(
  repository: Repository,
  artifact: {
    readonly layers: readonly Blob[];
    readonly tag?: string;
    readonly config?: Blob;
    readonly fields?: object;
  },
): Promise<{ readonly mediaType: string; readonly digest: string; readonly size: number }> {
  const config = artifact.config ?? emptyConfig;
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: await pushBlob(repository, config),
      layers: await Promise.all(artifact.layers.map((layer) => pushBlob(repository, layer))),
      ...artifact.fields,
    }),
  );
  return await pushManifest(repository, { mediaType, bytes: manifest }, artifact.tag);
}

export async function pushManifest(
  repository: Repository,
  manifest: Blob,
  tag?: string,
): Promise<{ readonly mediaType: string; readonly digest: string; readonly size: number }> {
  const digest = digestOf(manifest.bytes);
  const response = await fetch(`${baseOf(repository)}/manifests/${tag ?? digest}`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body: new Uint8Array(manifest.bytes),
  });
  assert.equal(response.status, 201, await response.text());
  return { mediaType: manifest.mediaType, digest, size: manifest.bytes.length };
}

async function pushBlob(repository: Repository, blob: Blob): Promise<object> {
  const digest = digestOf(blob.bytes);
  const start = await fetch(`${baseOf(repository)}/blobs/uploads/`, { method: 'POST' });
  assert.equal(start.status, 202, await start.text());
  const address = new URL(start.headers.get('location') ?? '', baseOf(repository));
  address.searchParams.set('digest', digest);
  const end = await fetch(address, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(blob.bytes),
  });
  assert.equal(end.status, 201, await end.text());
  const { mediaType, annotations, bytes } = blob;
  return { mediaType, digest, size: bytes.length, ...(annotations === undefined ? {} : { annotations }) };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function baseOf(repository: Repository): string {
  const slash = repository.indexOf('/');
  return `http://${repository.slice(0, slash)}/v2/${repository.slice(slash + 1)}`;
}
