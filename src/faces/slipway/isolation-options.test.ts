// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseCapabilities, parseDescriptors, parseLimit, parsePrivate, parseUmask } from './isolation-options.ts';

test('private things are a list of names', () => {
  assert.deepEqual(parsePrivate('tmp'), ['tmp']);
  assert.deepEqual(parsePrivate('pid,ipc,uts,net'), ['pid', 'ipc', 'uts', 'net']);
  for (const text of ['', 'user', 'pid,', 'PID', 'pid ipc']) assert.equal(parsePrivate(text), undefined, text);
});

test('limits have a soft and a hard value', () => {
  assert.deepEqual(parseLimit('nofile=64'), { resource: 'nofile', soft: 64, hard: 64 });
  assert.deepEqual(parseLimit('stack=8192:unlimited'), { resource: 'stack', soft: 8192, hard: 'none' });
  assert.deepEqual(parseLimit('core=unlimited'), { resource: 'core', soft: 'none', hard: 'none' });
  for (const text of [
    '',
    'nofile',
    'nofile=',
    'nofile=x',
    'nofile=1:2:3',
    'nofile=-1',
    'files=1',
    'nofile=1=2',
    'nofile=1.5',
  ]) {
    assert.equal(parseLimit(text), undefined, text);
  }
});

test('capabilities are names with or without CAP_, or none', () => {
  assert.deepEqual(parseCapabilities('none'), []);
  assert.deepEqual(parseCapabilities('chown,CAP_NET_RAW,Cap_Sys_Admin'), [0, 13, 21]);
  for (const text of ['', 'all', 'chown,', 'cap_', 'chown none'])
    assert.equal(parseCapabilities(text), undefined, text);
});

test('a umask is octal, of the permission bits', () => {
  assert.deepEqual([parseUmask('022'), parseUmask('0'), parseUmask('7777')], [0o22, 0, 0o777]);
  for (const text of ['', '8', '-1', '0o22', '00022']) assert.equal(parseUmask(text), undefined, text);
});

test('descriptors are numbers; the first three stay anyway', () => {
  assert.deepEqual(parseDescriptors(undefined), []);
  assert.deepEqual(parseDescriptors('7,9,7,0,2'), [7, 9]);
  for (const text of ['', 'a', '7,', '-1', '1.5']) assert.equal(parseDescriptors(text), undefined, text);
});

test('nothing that is typed is more than it says', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const mask = parseUmask(text);
      assert.ok(mask === undefined || (mask >= 0 && mask <= 0o777));
      const limit = parseLimit(text);
      assert.ok(limit === undefined || limit.soft === 'none' || Number.isSafeInteger(limit.soft));
      for (const descriptor of parseDescriptors(text) ?? []) assert.ok(descriptor > 2 && descriptor < 10_000_000);
    }),
  );
});
