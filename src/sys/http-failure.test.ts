// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpFailureOf } from './http-failure.ts';

const kinds: readonly (readonly [string, string | undefined])[] = [
  ['ENOTFOUND', 'unknown-host'],
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ECONNRESET', 'interrupted'],
  ['UND_ERR_BODY_TIMEOUT', 'interrupted'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'not-tls'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'untrusted'],
  ['CERT_HAS_EXPIRED', 'untrusted'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'identity-refused'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'identity-refused'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'identity-refused'],
  ['ERR_SSL_SOMETHING_NEW', 'protocol'],
  ['UND_ERR_INFO', 'protocol'],
  ['ENOENT', undefined],
  ['store-damaged', undefined],
];

test('errors below HTTP are told apart by what can be done about them', () => {
  for (const [code, kind] of kinds) {
    assert.equal(httpFailureOf(Object.assign(new Error('x'), { code }))?.kind, kind, code);
  }
  assert.equal(httpFailureOf(new Error('x')), undefined);
  assert.equal(httpFailureOf('x'), undefined);
});
