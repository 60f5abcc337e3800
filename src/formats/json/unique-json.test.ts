// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseUniqueJson } from './unique-json.ts';

test('what JSON.stringify writes comes back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value, undefined, 1);
      assert.deepEqual(parseUniqueJson(text), JSON.parse(text));
    }),
  );
});

test('a repeated name is refused at any depth and in any spelling', () => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":{"b":[{"c":1,"d":":","c":2}]}}',
    String.raw`{"a":1,"\u0061":2}`,
    '{"":1,"":2}',
    String.raw`{"\"":1,"\"":2}`,
  ]) {
    assert.throws(() => parseUniqueJson(text), /twice/, text);
  }
});

test('one name in several objects is no repetition', () => {
  for (const text of ['[{"a":1},{"a":1}]', '{"a":{"a":{"a":1}}}', '{"a":"\\"a\\":1,","b":"a"}']) {
    assert.doesNotThrow(() => parseUniqueJson(text), text);
  }
});

test('what is no JSON is refused in the same way', () => {
  for (const text of ['', '{', '{a:1}', '{"a":1}}']) assert.throws(() => parseUniqueJson(text), /no JSON/, text);
});
