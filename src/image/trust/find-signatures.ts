// SPDX-License-Identifier: Apache-2.0
// Where signatures of an image are: cosign's tag beside it, bundles that refer to it, and the directory or server that a
// site keeps simple signatures in. What is found here is only claimed to be a signature.
import { fileURLToPath } from 'node:url';
import { type Digest, digestAlgorithm, digestHex } from '../../model/index.ts';
import { readFileIfPresent } from '../../sys/files.ts';
import type { ArtifactReader } from '../types.ts';
import { maxSignatureBytes } from './open-pgp.ts';
import { bundleType, maxBundleBytes } from './sigstore-bundle.ts';
import { maxPayloadBytes } from './simple-signing.ts';

export type CosignSignature = { readonly payload: Buffer; readonly signature: Buffer };

const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const signatureAnnotation = 'dev.cosignproject.cosign/signature';
/** Beyond this many no signature of one image is looked at. */
const maxSignatures = 32;

/** cosign's SIGNATURE_SPEC, "Storage": a manifest under the tag `sha256-HEX.sig`, with a layer for each signature. */
export async function findCosignSignatures(
  artifacts: ArtifactReader,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly CosignSignature[]> {
  const tag = `${digestAlgorithm(digest)}-${digestHex(digest)}.sig`;
  const manifest = await artifacts.readArtifact(tag, signal);
  const found: CosignSignature[] = [];
  for (const layer of manifest?.layers.slice(0, maxSignatures) ?? []) {
    const text = layer.annotations[signatureAnnotation] ?? '';
    if (layer.mediaType !== payloadType || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) continue;
    const payload = await artifacts.readBlob(layer.digest, maxPayloadBytes, signal);
    if (payload !== undefined) found.push({ payload, signature: Buffer.from(text, 'base64') });
  }
  return found;
}

/** cosign's BUNDLE_SPEC: manifests that refer to the image, each with one bundle. */
export async function findBundles(
  artifacts: ArtifactReader,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly Buffer[]> {
  const referrers = await artifacts.listReferrers(digest, bundleType, signal);
  const found: Buffer[] = [];
  for (const referrer of referrers.slice(0, maxSignatures)) {
    const manifest = await artifacts.readArtifact(referrer.digest, signal);
    const layer = manifest?.layers.find(({ mediaType }) => mediaType.startsWith('application/vnd.dev.sigstore.bundle'));
    const bundle = layer && (await artifacts.readBlob(layer.digest, maxBundleBytes, signal));
    if (bundle !== undefined) found.push(bundle);
  }
  return found;
}

/** containers-registries.d(5), "Individual Configuration Sections": BASE/NAME@ALGORITHM=HEX/signature-N, N from 1. */
export async function findSimpleSignatures(
  base: URL,
  image: { readonly repository: string; readonly digest: Digest },
  artifacts: ArtifactReader,
  signal: AbortSignal,
): Promise<readonly Buffer[]> {
  const { repository, digest } = image;
  const directory = `${base.href.replace(/\/+$/, '')}/${repository}@${digestAlgorithm(digest)}=${digestHex(digest)}`;
  const found: Buffer[] = [];
  for (let number = 1; number <= maxSignatures; number += 1) {
    const url = new URL(`${directory}/signature-${number}`);
    const bytes =
      url.protocol === 'file:'
        ? await readFileIfPresent(fileURLToPath(url), { maxBytes: maxSignatureBytes })
        : await artifacts.readUrl(url, maxSignatureBytes, signal);
    if (bytes === undefined) break;
    found.push(bytes);
  }
  return found;
}
