// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseTokens, tokenFor } from './session.ts';

const location = (name: string): Parameters<typeof tokenFor>[1] => {
  return { name, registry: name, isPlainHttp: false, certificateAuthorityPath: undefined };
};

test('the default credentials go to the default registry only, and passwords may hold colons', () => {
  const tokens = parseTokens('{"authorized_locations":{"default":"me:a:b","quay.io":"you:c"}}');
  assert.deepEqual(tokenFor(tokens, location('docker.io'), 'docker.io'), { username: 'me', password: 'a:b' });
  assert.deepEqual(tokenFor(tokens, location('quay.io'), 'docker.io'), { username: 'you', password: 'c' });
  assert.equal(tokenFor(tokens, location('evil.example'), 'docker.io'), undefined);
});

test('a payload of any other form says nothing', () => {
  for (const text of [
    '',
    'x',
    '{',
    '{}',
    '[]',
    '{"authorized_locations":1}',
    '{"authorized_locations":{"a":1,"b":"c"}}',
  ]) {
    assert.equal(parseTokens(text).size, 0, text);
  }
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => parseTokens(text).size < 200));
});
