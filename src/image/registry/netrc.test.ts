// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { findInNetrc } from './netrc.ts';

const text = `
# machine commented.test login a password b
machine a.test login me password "two words \\" and a quote"
machine b.test
  login you
  account x
  password pw
macdef init
machine macro.test login evil password evil

machine a.test:5000 login port password special
machine nologin.test password pw
default login anyone password anything
`;

test('finds the entry of a host, that of its port first', () => {
  const find = (registry: string): unknown => findInNetrc(text, registry);
  assert.deepEqual(find('a.test'), { kind: 'password', username: 'me', password: 'two words " and a quote' });
  assert.deepEqual(find('a.test:5000'), { kind: 'password', username: 'port', password: 'special' });
  assert.deepEqual(find('b.test:443'), { kind: 'password', username: 'you', password: 'pw' });
  for (const registry of ['macro.test', 'commented.test', 'nologin.test', 'other.test', 'test']) {
    assert.equal(find(registry), undefined, registry);
  }
});

test('the password of a default entry is shown to nobody', () => {
  const entry = 'machine a.test login a default login b password c';
  assert.equal(findInNetrc(entry, 'a.test'), undefined);
  assert.equal(findInNetrc('default login b password c', 'x.test'), undefined);
});

test('whatever the text, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (any, registry) => {
      findInNetrc(any, registry);
      findInNetrc(`machine ${any} login ${any} password ${any} macdef ${any}`, registry);
    }),
  );
});
