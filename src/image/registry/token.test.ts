// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTokenAnswer, tokenRequest } from './token.ts';

const challenge = { realm: new URL('https://auth.example/token?tenant=a'), service: 'r', scope: 'repository:x:pull' };

test('an anonymous token request keeps what the realm says', () => {
  const { method, url, headers } = tokenRequest(challenge, undefined);
  assert.equal(method, 'GET');
  assert.equal(url.href, 'https://auth.example/token?tenant=a&service=r&scope=repository%3Ax%3Apull');
  assert.equal(headers['authorization'], undefined);
});

test('a password goes into the header, never into the address', () => {
  const { url, headers } = tokenRequest(challenge, { kind: 'password', username: 'me', password: 'hunter2' });
  assert.equal(headers['authorization'], `Basic ${Buffer.from('me:hunter2').toString('base64')}`);
  assert.equal(url.searchParams.get('account'), 'me');
  assert.doesNotMatch(url.href, /hunter2/);
});

test('several scopes are asked for one by one', () => {
  const { url } = tokenRequest({ ...challenge, scope: 'repository:a:pull repository:b:pull' }, undefined);
  assert.deepEqual(url.searchParams.getAll('scope'), ['repository:a:pull', 'repository:b:pull']);
});

test('an identity token is posted', () => {
  const { method, url, headers, body } = tokenRequest(challenge, { kind: 'identity-token', token: 'a b&c' });
  assert.equal(method, 'POST');
  assert.equal(url.href, challenge.realm.href);
  assert.equal(headers['content-type'], 'application/x-www-form-urlencoded');
  assert.deepEqual(Object.fromEntries(new URLSearchParams(body)), {
    grant_type: 'refresh_token',
    service: 'r',
    client_id: 'slipway',
    scope: 'repository:x:pull',
    refresh_token: 'a b&c',
  });
});

test("a token server's answer", () => {
  assert.deepEqual(parseTokenAnswer('{"token":"t","expires_in":300}'), { value: 't', lifetimeMs: 300_000 });
  assert.deepEqual(parseTokenAnswer('{"token":"","access_token":"t"}'), { value: 't', lifetimeMs: 60_000 });
  assert.deepEqual(parseTokenAnswer('{"token":"t","expires_in":-1}'), { value: 't', lifetimeMs: 60_000 });
  assert.deepEqual(parseTokenAnswer('{"token":"t","expires_in":1e300}'), { value: 't', lifetimeMs: 86_400_000 });
  for (const text of ['', 'null', '"t"', '{}', '{"token":1}', '{"token":"a\\r\\nX-Evil: 1"}', '{"token":"ü"}']) {
    assert.equal(parseTokenAnswer(text), undefined, text);
  }
});
