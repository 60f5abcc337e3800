// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { newUiKey, readPass, signPass } from './token.ts';

const key = newUiKey();
const pass = { kind: 'link', system: 'cori', uid: 7, until: 100, nonce: 'n' } as const;

test('a pass is good for its kind, its time and its key', () => {
  const text = signPass(pass, key);
  assert.deepEqual(readPass(text, 'link', key, 99), pass);
  assert.equal(readPass(text, 'link', key, 100), undefined);
  assert.equal(readPass(text, 'session', key, 99), undefined);
  assert.equal(readPass(text, 'link', newUiKey(), 99), undefined);
});

test('no other text is a pass', () => {
  const text = signPass(pass, key);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom('A', 'b', '.', '_', ''), (at, letter) => {
      const changed = text.slice(0, at) + letter + text.slice(at + 1);
      // The last letter of base64 may hold bits that say nothing.
      if (changed !== text && at < text.length - 1) assert.equal(readPass(changed, 'link', key, 99), undefined);
    }),
  );
  fc.assert(fc.property(fc.string(), (any) => readPass(any, 'link', key, 99) === undefined));
});
