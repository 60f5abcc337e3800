// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode } from '../../model/index.ts';
import { parseArtifact, parseReferrers } from './artifact.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const descriptor = { mediaType: 'application/x', digest, size: 3 };
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

test('an artifact has a type, a subject and annotated layers', () => {
  const layer = { ...descriptor, annotations: { 'a/b': 'c' } };
  assert.deepEqual(parseArtifact(bytes({ artifactType: 't', subject: descriptor, layers: [layer] }), 'it'), {
    artifactType: 't',
    subject: digest,
    layers: [{ mediaType: 'application/x', digest, sizeBytes: 3, annotations: { 'a/b': 'c' } }],
  });
  assert.deepEqual(parseArtifact(bytes({ config: { ...descriptor, mediaType: 'of/config' } }), 'it'), {
    artifactType: 'of/config',
    layers: [],
  });
  assert.deepEqual(parseReferrers(bytes({ manifests: [{ ...descriptor, artifactType: 't' }, descriptor] }), 'it'), [
    { mediaType: 'application/x', digest, sizeBytes: 3, annotations: {}, artifactType: 't' },
    { mediaType: 'application/x', digest, sizeBytes: 3, annotations: {}, artifactType: '' },
  ]);
});

test('whatever they are given, they read it or say that it is malformed', () => {
  const near = fc.record(
    { manifests: fc.jsonValue(), layers: fc.jsonValue(), subject: fc.jsonValue(), artifactType: fc.jsonValue() },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(near, fc.jsonValue()), (value) => {
      for (const parse of [parseArtifact, parseReferrers]) {
        try {
          parse(bytes(value), 'it');
        } catch (error) {
          assert.ok(hasCode(error, 'manifest-malformed'));
        }
      }
    }),
  );
  const many = { manifests: Array.from({ length: 1001 }, () => descriptor) };
  assert.throws(() => parseReferrers(bytes(many), 'it'), { code: 'manifest-malformed' });
});
