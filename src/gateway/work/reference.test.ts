// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatImageReference } from '../../model/index.ts';
import { resolveLocation } from './reference.ts';

const location = (
  name: string,
  registry: string,
): [string, Parameters<typeof resolveLocation>[1]['locations'] extends ReadonlyMap<string, infer L> ? L : never] => [
  name,
  { name, registry, isPlainHttp: false, certificateAuthorityPath: undefined },
];
const config = {
  defaultLocation: 'registry-1.docker.io',
  locations: new Map([
    location('registry-1.docker.io', 'docker.io'),
    location('quay.io', 'quay.io'),
    location('site', 'reg.example:5000'),
  ]),
};
const resolved = (tag: string): string => formatImageReference(resolveLocation(tag, config).reference);
const hex = 'a'.repeat(64);

test('a first component that is a location chooses it', () => {
  assert.equal(resolved('ubuntu:22.04'), 'docker.io/library/ubuntu:22.04');
  assert.equal(resolved('user/app:1'), 'docker.io/user/app:1');
  assert.equal(resolved('quay.io/biocontainers/barrnap:0.9--3'), 'quay.io/biocontainers/barrnap:0.9--3');
  assert.equal(resolved('site/app:1'), 'reg.example:5000/app:1');
  assert.equal(resolved('registry-1.docker.io/ubuntu:1'), 'docker.io/library/ubuntu:1');
});

test('by digest, with and without a tag', () => {
  assert.equal(resolved(`ubuntu@sha256:${hex}`), `docker.io/library/ubuntu@sha256:${hex}`);
  assert.equal(resolved(`ubuntu:1@sha256:${hex}`), `docker.io/library/ubuntu:1@sha256:${hex}`);
});

test('what names nothing, or another registry, is refused', () => {
  assert.throws(() => resolved('ghcr.io/x/y:1'), { code: 'gateway-registry-unknown' });
  assert.throws(() => resolved('localhost/x:1'), { code: 'gateway-registry-unknown' });
  for (const bad of ['a:b:c', 'UPPER:1', 'a//b:1', 'x/../y:1', 'a@sha256:zz', ':1', '']) {
    assert.throws(() => resolved(bad), { code: 'reference-malformed' }, bad);
  }
});
