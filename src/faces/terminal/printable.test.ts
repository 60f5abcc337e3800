// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { anyText } from '../../model/any-text.test-helper.ts';
import { printable, shorten } from './printable.ts';

test('shows control characters instead of sending them', () => {
  assert.equal(printable('a\x1b]0;title\x07\nb\tc\u009b2J\u202e'), String.raw`a\x1b]0;title\x07\nb\tc\x9b2J\u202e`);
  assert.equal(printable('Zürich ✓ 日本'), 'Zürich ✓ 日本');
});

test('never lets a control character through', () => {
  fc.assert(
    fc.property(anyText(), (text) => {
      assert.doesNotMatch(printable(text), /[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u);
    }),
  );
});

test('shortens to a width', () => {
  assert.deepEqual(
    [shorten('abcd', 4), shorten('abcde', 4), shorten('abc', 1), shorten('abc', 0)],
    ['abcd', 'abc…', '…', ''],
  );
});
