// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { automaticBase } from './automatic-base.ts';

test('the image that is like this machine', () => {
  const of = (id: string, version: string): string | undefined =>
    automaticBase(`NAME="Some Linux"\nVERSION_ID=${version}\nVERSION="x"\nID=${id}\nID_LIKE=other\n`);
  assert.equal(of('debian', '"12"'), 'debian:12');
  assert.equal(of('ubuntu', '"24.04"'), 'ubuntu:24.04');
  assert.equal(of('"almalinux"', '"9.4"'), 'almalinux:9.4');
  assert.equal(of('"rocky"', '"9.4"'), 'rockylinux/rockylinux:9.4');
  assert.equal(of('"rhel"', '"8.10"'), 'redhat/ubi8');
  assert.equal(of('"sles"', '"15.6"'), 'registry.suse.com/bci/bci-base:15.6');
  assert.equal(automaticBase('ID=arch\n'), undefined);
  assert.equal(of('toString', '1'), 'toString:1');
  assert.equal(of('"$(x)"', '1'), undefined);
});
