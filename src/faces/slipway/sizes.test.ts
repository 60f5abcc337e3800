// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseSize } from './sizes.ts';

test('sizes are whole numbers with a unit of 1024', () => {
  for (const [text, bytes] of [
    ['0', 0],
    ['512', 512],
    ['1K', 1024],
    ['1k', 1024],
    ['2M', 2 ** 21],
    ['1G', 2 ** 30],
    ['3T', 3 * 2 ** 40],
    ['1KiB', 1024],
    ['1KB', 1024],
    ['7B', 7],
    ['8191T', 8191 * 2 ** 40],
  ] as const) {
    assert.equal(parseSize(text), bytes, text);
  }
});

test('anything else is none', () => {
  const wrong = [
    '',
    'K',
    '1.5G',
    '-1',
    '+1',
    ' 1',
    '1 ',
    '1 K',
    '1X',
    '1KK',
    '1e3',
    '0x10',
    '９',
    '9999999999999999',
    '8192T',
    '1\n',
  ];
  for (const text of wrong) assert.equal(parseSize(text), undefined, JSON.stringify(text));
  fc.assert(
    fc.property(fc.string(), (text) => {
      const bytes = parseSize(text);
      assert.ok(bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0 && /^[0-9]/.test(text)));
    }),
  );
});
