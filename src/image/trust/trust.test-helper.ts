// SPDX-License-Identifier: Apache-2.0
// Makes signatures as cosign does, with node:crypto alone.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Digest } from '../../model/index.ts';
import { preAuthenticationEncoding } from './sigstore-bundle.ts';

export type KeyPair = { readonly publicPem: string; readonly sign: (bytes: Uint8Array) => Buffer };

export function makeKeyPair(kind: 'p256' | 'p384' | 'rsa' | 'ed25519' = 'p256'): KeyPair {
  const { publicKey, privateKey } = generate(kind);
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (bytes) => sign(kind === 'ed25519' ? null : 'sha256', bytes, privateKey),
  };
}

function generate(kind: 'p256' | 'p384' | 'rsa' | 'ed25519'): {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
} {
  switch (kind) {
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    default:
      return kind satisfies never;
  }
}

/** The payload that `cosign sign` makes for an image. */
export function cosignPayload(identity: string, digest: Digest): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': identity },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  );
}

/** The bundle that cosign 3 makes for an image. */
export function cosignBundle(digest: Digest, key: KeyPair, predicateType?: string): Buffer {
  const [algorithm = '', hex = ''] = digest.split(':');
  const payload = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { [algorithm]: hex } }],
      predicateType: predicateType ?? 'https://sigstore.dev/cosign/sign/v1',
      predicate: {},
    }),
  );
  const payloadType = 'application/vnd.in-toto+json';
  return Buffer.from(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: 'x' } },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType,
        signatures: [{ sig: key.sign(preAuthenticationEncoding(payloadType, payload)).toString('base64') }],
      },
    }),
  );
}
