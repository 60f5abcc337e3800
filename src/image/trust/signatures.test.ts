// SPDX-License-Identifier: Apache-2.0
// Keys, payloads and bundles: what is good passes, and nothing that differs from it by a bit.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type Digest, parseDigest } from '../../model/index.ts';
import * as cosign from './made-by-cosign.test-helper.ts';
import { parsePublicKey } from './public-key.ts';
import { signedSubjects } from './sigstore-bundle.ts';
import { parseSignedClaim } from './simple-signing.ts';
import { cosignBundle, cosignPayload, makeKeyPair } from './trust.test-helper.ts';

const digest = parseDigest(`sha256:${'0a'.repeat(32)}`) as Digest;
const payload = cosignPayload('r.test/app', digest);
const kinds = ['p256', 'p384', 'rsa', 'ed25519'] as const;
const pairs = kinds.map((kind) => [kind, makeKeyPair(kind)] as const);

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(bit / 8) % copy.length;
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << (bit % 8)), at);
  return copy;
}

describe('public keys', () => {
  for (const [kind, pair] of pairs) {
    const key = parsePublicKey(Buffer.from(pair.publicPem), 'k');
    const signature = pair.sign(payload);

    test(`${kind}: a good signature passes, one by another key does not`, () => {
      assert.match(key.fingerprint, /^sha256:[0-9a-f]{64}$/);
      assert.ok(key.isSignedBy(payload, signature));
      assert.ok(!key.isSignedBy(payload, makeKeyPair(kind).sign(payload)));
    });

    test(`${kind}: no bit of payload or signature may differ`, () => {
      fc.assert(
        fc.property(fc.nat(payload.length * 8 - 1), (bit) => !key.isSignedBy(flipped(payload, bit), signature)),
        { numRuns: 200 },
      );
      fc.assert(
        fc.property(fc.nat(signature.length * 8 - 1), (bit) => !key.isSignedBy(payload, flipped(signature, bit))),
        { numRuns: 200 },
      );
    });

    test(`${kind}: whatever is no signature is refused`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !key.isSignedBy(payload, bytes)));
    });
  }

  test('what is no suitable public key is refused', () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' });
    const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({
      type: 'spki',
      format: 'pem',
    });
    const secret = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const pem of ['', 'x', short, other, secret, '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n']) {
      assert.throws(() => parsePublicKey(Buffer.from(pem), '/k'), { code: 'key-unusable', message: /\/k/ });
    }
  });
});

test('what cosign has signed is accepted, as a payload and as a bundle', () => {
  const key = parsePublicKey(Buffer.from(cosign.publicKeyPem), 'k');
  assert.ok(key.isSignedBy(cosign.payload, cosign.signature));
  const { signedDigest, signedRepository } = cosign;
  assert.deepEqual(parseSignedClaim(cosign.payload, 'cosign'), { identity: signedRepository, digest: signedDigest });
  assert.deepEqual(signedSubjects(cosign.bundle, key), [signedDigest]);
  const other = parsePublicKey(Buffer.from(makeKeyPair().publicPem), 'k');
  assert.ok(!other.isSignedBy(cosign.payload, cosign.signature));
  assert.equal(signedSubjects(cosign.bundle, other), undefined);
});

describe('payloads', () => {
  test('a payload says the name and the digest', () => {
    assert.deepEqual(parseSignedClaim(payload, 'cosign'), { identity: 'r.test/app', digest });
    assert.equal(parseSignedClaim(payload, 'simple-signing'), undefined);
  });

  const document = JSON.parse(payload.toString()) as { critical: Record<string, unknown>; optional: unknown };
  const { critical } = document;
  const altered: readonly unknown[] = [
    { critical },
    { ...document, extra: 1 },
    { ...document, critical: { ...critical, extra: 1 } },
    { ...document, critical: { ...critical, type: 'x' } },
    { ...document, critical: { ...critical, image: { 'docker-manifest-digest': 'sha256:0' } } },
    { ...document, critical: { ...critical, image: { 'docker-manifest-digest': digest, 'x': 1 } } },
    { ...document, critical: { ...critical, identity: { 'docker-reference': 1 } } },
    { ...document, critical: [critical] },
    [],
    null,
  ];
  test('anything else is none, but for what is optional', () => {
    const [withoutOptional, ...others] = altered.map((value) => Buffer.from(JSON.stringify(value)));
    assert.ok(withoutOptional !== undefined && parseSignedClaim(withoutOptional, 'cosign') !== undefined);
    for (const bytes of others) assert.equal(parseSignedClaim(bytes, 'cosign'), undefined, bytes.toString());
  });

  test('a name that is there twice has no meaning', () => {
    const twice = payload.toString().replace('"critical":{', `"critical":{"type":"cosign container image signature",`);
    assert.equal(parseSignedClaim(Buffer.from(twice), 'cosign'), undefined);
  });

  test('arbitrary bytes are no payload and no failure', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => parseSignedClaim(bytes, 'cosign') === undefined),
    );
  });
});

describe('bundles', () => {
  const pair = makeKeyPair();
  const key = parsePublicKey(Buffer.from(pair.publicPem), 'k');
  const bundle = cosignBundle(digest, pair);

  test('a bundle says which digests are signed', () => {
    assert.deepEqual(signedSubjects(bundle, key), [digest]);
  });

  test('one by another key, or about something else than the image itself, says nothing', () => {
    assert.equal(signedSubjects(cosignBundle(digest, makeKeyPair()), key), undefined);
    assert.equal(signedSubjects(cosignBundle(digest, pair, 'https://spdx.dev/Document'), key), undefined);
  });

  test('no bit of what is signed may differ', () => {
    const { dsseEnvelope, ...rest } = JSON.parse(bundle.toString()) as {
      readonly dsseEnvelope: { readonly payload: string; readonly signatures: readonly { readonly sig: string }[] };
    };
    const encoded = (bytes: Buffer): string => bytes.toString('base64');
    const signed = Buffer.from(dsseEnvelope.payload, 'base64');
    const signature = Buffer.from(dsseEnvelope.signatures[0]?.sig ?? '', 'base64');
    const subjects = (envelope: object): unknown =>
      signedSubjects(Buffer.from(JSON.stringify({ ...rest, dsseEnvelope: { ...dsseEnvelope, ...envelope } })), key);
    assert.deepEqual(subjects({}), [digest]);
    fc.assert(
      fc.property(fc.nat(), (bit) => {
        assert.equal(subjects({ payload: encoded(flipped(signed, bit)) }), undefined);
        assert.equal(subjects({ signatures: [{ sig: encoded(flipped(signature, bit)) }] }), undefined);
      }),
    );
    assert.equal(subjects({ payloadType: 'text/plain' }), undefined);
    assert.equal(subjects({ signatures: [] }), undefined);
  });

  test('arbitrary JSON is no bundle and no failure', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, envelope) => {
        assert.equal(signedSubjects(Buffer.from(JSON.stringify(value)), key), undefined);
        const near = { mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json', dsseEnvelope: envelope };
        assert.equal(signedSubjects(Buffer.from(JSON.stringify(near)), key), undefined);
      }),
    );
  });
});
