// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode, SlipwayError } from '../../model/index.ts';
import { findCredentials, parseCredentialsFile, parseHelperAnswer } from './credentials-file.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const password = (username: string, secret = 'secret'): object => ({
  kind: 'credentials',
  credentials: { kind: 'password', username, password: secret },
});
const find = (file: object, registry: string, repository: string): unknown =>
  findCredentials(parseCredentialsFile(JSON.stringify(file), '/auth.json'), registry, repository);

test('credentials: the longest key that leads to the repository decides', () => {
  const file = {
    auths: {
      'quay.io/team/app': { auth: base64('app:secret') },
      'quay.io/team': { auth: base64('team:secret') },
      'quay.io': { auth: base64('all:secret') },
    },
  };
  assert.deepEqual(find(file, 'quay.io', 'team/app'), password('app'));
  assert.deepEqual(find(file, 'quay.io', 'team/app/sub'), password('app'));
  assert.deepEqual(find(file, 'quay.io', 'team/application'), password('team'));
  assert.deepEqual(find(file, 'quay.io', 'teams/app'), password('all'));
  assert.equal(find(file, 'quay.io:443', 'team/app'), undefined);
  assert.equal(find(file, 'evil-quay.io', 'team/app'), undefined);
});

test("credentials: docker's keys for the Hub, and addresses as keys", () => {
  const hub = { auths: { 'https://index.docker.io/v1/': { auth: base64('me:secret') } } };
  assert.deepEqual(find(hub, 'docker.io', 'library/debian'), password('me'));
  assert.equal(find(hub, 'quay.io', 'x'), undefined);
  const address = { auths: { 'http://10.0.0.1:5000': { auth: base64('me:secret') } } };
  assert.deepEqual(find(address, '10.0.0.1:5000', 'x'), password('me'));
});

test('credentials: passwords with colons and padding, tokens, plain fields', () => {
  const auths = (entry: object): object => ({ auths: { 'r.example': entry } });
  assert.deepEqual(find(auths({ auth: base64('me:se:cret\0\0') }), 'r.example', 'x'), password('me', 'se:cret'));
  assert.deepEqual(find(auths({ username: 'me', password: 'secret' }), 'r.example', 'x'), password('me'));
  assert.deepEqual(find(auths({ auth: base64('me:'), identitytoken: 'T' }), 'r.example', 'x'), {
    kind: 'credentials',
    credentials: { kind: 'identity-token', token: 'T' },
  });
  assert.deepEqual(find(auths({ registrytoken: 'T' }), 'r.example', 'x'), {
    kind: 'credentials',
    credentials: { kind: 'registry-token', token: 'T' },
  });
});

test('credentials: helpers', () => {
  const file = {
    auths: { 'quay.io': {}, 'r.example': { auth: base64('me:secret') } },
    credHelpers: { 'ghcr.io': 'gh', 'docker.io': 'hub' },
    credsStore: 'pass',
  };
  assert.deepEqual(find(file, 'ghcr.io', 'a/b'), { kind: 'helper', helper: 'gh', servers: ['ghcr.io'] });
  assert.deepEqual(find(file, 'docker.io', 'library/b'), {
    kind: 'helper',
    helper: 'hub',
    servers: ['https://index.docker.io/v1/', 'docker.io'],
  });
  assert.deepEqual(find(file, 'quay.io', 'a'), { kind: 'helper', helper: 'pass', servers: ['quay.io'] });
  assert.deepEqual(find(file, 'r.example', 'a'), password('me'));
});

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['text that is not JSON', '{"auths": hunter2', /it is not JSON$/],
  ['a list', '[]', /not a JSON object/],
  ['auths of a wrong type', '{"auths":[]}', /auths is not an object/],
  ['an auth without a colon', `{"auths":{"r":{"auth":"${base64('hunter2')}"}}}`, /entry for r has an auth/],
  ['a helper that is a path', '{"credHelpers":{"r":"../../bin/sh"}}', /credHelpers for r is no name/],
  ['a store that is an option', '{"credsStore":"-x"}', /credsStore is no name/],
];
for (const [name, text, pattern] of refused) {
  test(`credentials: ${name} is refused, without a word of what it says`, () => {
    assert.throws(
      () => parseCredentialsFile(text, '/auth.json'),
      (error: unknown) => {
        assert.ok(hasCode(error, 'credentials-unreadable'));
        assert.match(error.message, pattern);
        assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /hunter2/);
        return true;
      },
    );
  });
}

test('credentials: any JSON is read or refused with its code', () => {
  const auths = fc.dictionary(
    fc.string(),
    fc.dictionary(fc.constantFrom('auth', 'identitytoken', 'username'), fc.anything()),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.record({ auths, credHelpers: fc.object(), credsStore: fc.anything() })),
      (value) => {
        try {
          findCredentials(parseCredentialsFile(JSON.stringify(value) ?? '', '/f'), 'r.example', 'a/b');
        } catch (error) {
          assert.ok(error instanceof SlipwayError && error.code === 'credentials-unreadable', String(error));
        }
      },
    ),
  );
});

test("credentials: a helper's answer", () => {
  assert.deepEqual(parseHelperAnswer('{"ServerURL":"r","Username":"me","Secret":"s"}'), {
    kind: 'password',
    username: 'me',
    password: 's',
  });
  assert.deepEqual(parseHelperAnswer('{"Username":"<token>","Secret":"s"}'), { kind: 'identity-token', token: 's' });
  for (const text of [
    '',
    'null',
    '[]',
    '{"Username":"me"}',
    '{"Username":1,"Secret":"s"}',
    '{"Username":"me","Secret":""}',
  ]) {
    assert.equal(parseHelperAnswer(text), undefined, text);
  }
});
