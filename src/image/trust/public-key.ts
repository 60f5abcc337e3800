// SPDX-License-Identifier: Apache-2.0
// Public keys as cosign uses them: ECDSA with SHA-256 (signatures in DER), RSA (PKCS #1 v1.5) with SHA-256, Ed25519.
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { SlipwayError } from '../../model/index.ts';

export type PublicKey = {
  /** `sha256:` and the hash of its SubjectPublicKeyInfo (DER). */
  readonly fingerprint: string;
  readonly isSignedBy: (bytes: Uint8Array, signature: Uint8Array) => boolean;
};

const minRsaBits = 2048;
const curves: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/**
 * @param path for messages only
 * @throws SlipwayError `key-unusable`
 */
export function parsePublicKey(pem: Uint8Array, path: string): PublicKey {
  const fail = (reason: string, cause?: unknown): SlipwayError =>
    new SlipwayError('key-unusable', { path, reason }, { cause });
  const text = Buffer.from(pem).toString('latin1');
  if (text.includes('PRIVATE KEY-----')) throw fail('it is a private key');
  // createPublicKey would take a certificate too, whose names and dates nobody has looked at.
  if (!text.includes('-----BEGIN PUBLIC KEY-----')) throw fail('it is no PEM public key');
  let key: KeyObject;
  try {
    key = createPublicKey({ key: text, format: 'pem' });
  } catch (error) {
    throw fail('it is no public key that OpenSSL understands', error);
  }
  const algorithm = algorithmOf(key);
  if (algorithm === undefined) throw fail(`it is of an unsuitable kind (${key.asymmetricKeyType ?? 'unknown'})`);
  const der = key.export({ type: 'spki', format: 'der' });
  return {
    fingerprint: `sha256:${createHash('sha256').update(der).digest('hex')}`,
    isSignedBy: (bytes, signature) => {
      try {
        return verify(algorithm.hash, bytes, key, signature);
      } catch {
        // A signature that can't be one.
        return false;
      }
    },
  };
}

function algorithmOf(key: KeyObject): { readonly hash: 'sha256' | null } | undefined {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (type === 'ec') return curves.includes(namedCurve) ? { hash: 'sha256' } : undefined;
  if (type === 'rsa') return modulusLength >= minRsaBits ? { hash: 'sha256' } : undefined;
  return type === 'ed25519' ? { hash: null } : undefined;
}
