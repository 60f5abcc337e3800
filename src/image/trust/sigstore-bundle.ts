// SPDX-License-Identifier: Apache-2.0
// Sigstore bundles (protobuf-specs, sigstore_bundle.proto, in JSON) that cosign 3 attaches to images: an in-toto
// statement in a DSSE envelope, signed by a key. Certificates and transparency logs are left alone: what counts here is
// a key that somebody trusts already.
import { parseUniqueJson } from '../../formats/json/index.ts';
import { type Digest, parseDigest } from '../../model/index.ts';
import type { PublicKey } from './public-key.ts';

export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const maxBundleBytes: number = 1024 * 1024;

const bundleTypes = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+\+json|\+json;version=0\.\d+)$/;
const statementType = 'application/vnd.in-toto+json';
/** Only this predicate says "this is the image": others tell something else about it, such as its contents. */
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';
const maxSignatures = 16;

/** The digests that a bundle says are signed, where one of its signatures is by `key`; else undefined. */
export function signedSubjects(bytes: Uint8Array, key: PublicKey): readonly Digest[] | undefined {
  const bundle = parse(bytes);
  if (!isText(bundle?.get('mediaType'), bundleTypes)) return undefined;
  const envelope = fieldsOf(bundle?.get('dsseEnvelope'));
  const payload = decode(envelope?.get('payload'));
  const payloadType = envelope?.get('payloadType');
  if (payload === undefined || payloadType !== statementType) return undefined;
  const signed = preAuthenticationEncoding(payloadType, payload);
  const isGood = listOf(envelope?.get('signatures'))
    .slice(0, maxSignatures)
    .map((each) => decode(fieldsOf(each)?.get('sig')))
    .some((signature) => signature !== undefined && key.isSignedBy(signed, signature));
  return isGood ? subjectsOf(payload) : undefined;
}

/** DSSE v1, "Signature Definition". */
export function preAuthenticationEncoding(type: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

function subjectsOf(payload: Uint8Array): readonly Digest[] | undefined {
  const statement = parse(payload);
  if (!isText(statement?.get('_type'), /^https:\/\/in-toto\.io\/Statement\/v(?:0\.1|1)$/)) return undefined;
  if (statement?.get('predicateType') !== signPredicate) return undefined;
  return listOf(statement.get('subject')).flatMap((subject) => {
    const digests = fieldsOf(fieldsOf(subject)?.get('digest'));
    return [...(digests ?? [])].flatMap(([algorithm, hex]) => {
      const digest = typeof hex === 'string' ? parseDigest(`${algorithm}:${hex}`) : undefined;
      return digest === undefined ? [] : [digest];
    });
  });
}

function parse(bytes: Uint8Array): ReadonlyMap<string, unknown> | undefined {
  if (bytes.length > maxBundleBytes) return undefined;
  try {
    return fieldsOf(parseUniqueJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return undefined;
  }
}

function decode(value: unknown): Buffer | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(value) ? Buffer.from(value, 'base64') : undefined;
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined;
}
