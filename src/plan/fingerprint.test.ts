// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fingerprint, fnv1a } from './index.ts';

const mask = 2n ** 64n - 1n;

/** As the definition has it, a byte at a time. */
function plainFnv1a(bytes: Uint8Array, seed: bigint): bigint {
  let hash = seed;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & mask;
  return hash;
}

test('FNV-1a gives the values that its authors publish', () => {
  for (const [text, hash] of [
    ['', 0xcbf29ce484222325n],
    ['a', 0xaf63dc4c8601ec8cn],
    ['foobar', 0x85944171f73967e8n],
    ['chongo was here!\n', 0x46810940eff5f915n],
  ] as const) {
    assert.equal(fnv1a(Buffer.from(text)), hash, text);
  }
});

test('FNV-1a in two halves is FNV-1a', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.bigInt({ min: 0n, max: mask }), (bytes, seed) => {
      assert.equal(fnv1a(bytes, seed), plainFnv1a(bytes, seed));
    }),
  );
});

test('a fingerprint is 32 hexadecimal digits, the same for the same text and no other', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      assert.match(fingerprint(one), /^[0-9a-f]{32}$/);
      assert.equal(fingerprint(one) === fingerprint(other), one === other);
    }),
  );
});
