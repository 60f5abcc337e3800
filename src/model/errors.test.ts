// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorEntry } from './errors/entry.ts';
import { describeError, errorTable, hasCode, SlipwayError } from './errors.ts';

test('every row is in the house style: no capital, no full stop, statuses that mean failure', () => {
  for (const [code, entry] of Object.entries(errorTable) as [string, ErrorEntry][]) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/);
    for (const text of [entry.message, entry.hint ?? 'x']) {
      assert.match(text, /^(?:[a-z`{"$]|--[a-z]|[A-Z]{3})/, `${code}: "${text}" begins with a capital`);
      assert.doesNotMatch(text, /\.$/, `${code}: "${text}" ends with a full stop`);
      assert.doesNotMatch(text.replaceAll(/\{[A-Za-z]+\}/g, ''), /[{}]/, `${code}: "${text}" has a stray brace`);
    }
    assert.ok([1, 2, 64, 125, 126, 127].includes(entry.exitStatus), code);
    assert.ok(entry.httpStatus >= 400 && entry.httpStatus < 600, code);
  }
});

test('fills message and hint', () => {
  const error = new SlipwayError('reference-malformed', { reference: 'A{b}', reason: '$& {reference}' });
  assert.equal(error.message, 'read image name "A{b}": $& {reference}');
  assert.equal(error.exitStatus, 125);
  assert.match(error.hint ?? '', /^an image name is/);
  assert.ok(hasCode(error, 'usage', 'reference-malformed') && !hasCode(new Error('x'), 'usage'));
});

test('lets no password into message, hint or cause', () => {
  const secret = 'https://ann:sesame@example.org/v2/';
  const error = new SlipwayError(
    'usage',
    { command: secret, reason: `no ${secret}: Basic YW5uOnNlc2FtZQ==` },
    { cause: new Error(`GET ${secret} with Bearer abcdefghijklmnop`), hint: `try ${secret}` },
  );
  const all = [describeError(error), error.hint, String(error)].join();
  assert.doesNotMatch(all, /sesame|YW5u|abcdefgh/);
  assert.match(
    describeError(error),
    /^no https:\/\/example\.org\/v2\/: Basic … \(GET https:\/\/example\.org\/v2\/ with Bearer …\)$/,
  );
});

test('names a system call only where its errno was not named', () => {
  const cause = Object.assign(new Error('ENOENT: no such file, open "x"'), { code: 'ENOENT', syscall: 'open' });
  assert.equal(describeError(new Error('read x: no such file (ENOENT)', { cause })), 'read x: no such file (ENOENT)');
  assert.equal(describeError(new Error('read x', { cause })), 'read x (ENOENT: no such file, open "x")');
});

test('describes whatever was thrown', () => {
  assert.deepEqual(['text', { a: 1 }, undefined, 7].map(describeError), ['text', '{"a":1}', '', '7']);
});
