// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterKeys } from './input.ts';

const type = (text: string): { readonly line: string; readonly end?: string } => {
  const { line, end } = afterKeys(Buffer.alloc(0), Buffer.from(text));
  return { line: line.toString(), ...(end === undefined ? {} : { end }) };
};

test('keys make a line as they do on a terminal', () => {
  assert.deepEqual(type('abc\r'), { line: 'abc', end: 'line' });
  assert.deepEqual(type('pä\x7f\x7fq\n'), { line: 'q', end: 'line' });
  assert.deepEqual(type('\x08\x7fa'), { line: 'a' });
  assert.deepEqual(type('wrong\x15right\n'), { line: 'right', end: 'line' });
  assert.deepEqual(type('a\x04b'), { line: 'ab' });
  assert.deepEqual(type('\x04'), { line: '', end: 'input' });
  assert.deepEqual(type('secret\x03'), { line: '', end: 'interrupt' });
  assert.deepEqual(type('a\x1b\x01\tb\n'), { line: 'ab', end: 'line' });
});
