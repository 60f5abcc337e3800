// SPDX-License-Identifier: Apache-2.0
// Images in a registry, signed as cosign signs them, and settings that ask for it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cosignBundle, cosignPayload, type KeyPair } from '../../src/image/trust/trust.test-helper.ts';
import type { Digest } from '../../src/model/index.ts';
import { runOk } from '../support/command.ts';
import { pushArtifact, pushManifest, type Repository } from '../support/push-artifact.ts';
import { temporaryDirectory } from '../support/temporary.ts';

export async function digestIn(name: string): Promise<Digest> {
  const digest = await runOk(['skopeo', 'inspect', '--tls-verify=false', '--format={{.Digest}}', `docker://${name}`]);
  return digest.trim() as Digest;
}

/** Signatures under cosign's tag; `payload` of each is that of the image unless given. */
export async function attachSignatures(
  repository: Repository,
  digest: Digest,
  signatures: readonly { readonly key: KeyPair; readonly payload?: Buffer; readonly signature?: Buffer }[],
): Promise<void> {
  await pushArtifact(repository, {
    tag: `${digest.replace(':', '-')}.sig`,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', bytes: Buffer.from('{}') },
    layers: signatures.map(({ key, payload = cosignPayload(repository, digest), signature }) => ({
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      bytes: payload,
      annotations: { 'dev.cosignproject.cosign/signature': (signature ?? key.sign(payload)).toString('base64') },
    })),
  });
}

/**
 * A bundle, listed under the tag that stands in for the referrers' list where a registry has none; as cosign 2.6 lists it, by
 * its empty configuration's type.
 */
export async function attachBundle(repository: Repository, digest: Digest, key: KeyPair): Promise<void> {
  const type = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 };
  const layers = [{ mediaType: type, bytes: cosignBundle(digest, key) }];
  const manifest = await pushArtifact(repository, { layers, fields: { artifactType: type, subject } });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const manifests = [{ ...manifest, artifactType: 'application/vnd.oci.empty.v1+json' }];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  await pushManifest(repository, { mediaType, bytes }, digest.replace(':', '-'));
}

/** A policy that rejects all but images of these scopes with these requirements. */
export function writePolicy(scopes: Readonly<Record<string, readonly object[]>>): string {
  const path = join(temporaryDirectory(), 'policy.json');
  writeFileSync(path, JSON.stringify({ default: [{ type: 'reject' }], transports: { docker: scopes } }));
  return path;
}

export function writeKey(key: KeyPair): string {
  const path = join(temporaryDirectory(), 'key.pub');
  writeFileSync(path, key.publicPem);
  return path;
}

/** A directory for `skopeo --registries.d`, or the home's `.config/containers/registries.d`. */
export function writeRegistriesD(directory: string, text: string): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'test.yaml'), text);
  return directory;
}
