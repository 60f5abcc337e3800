// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../../model/index.ts';
import type { StoredImage } from '../types.ts';
import { makeAccess, mayUse } from './image-access.ts';
import { formatStoredImage, parseStoredImage } from './records.ts';

const digest = `sha256:${'a'.repeat(64)}` as Digest;
const image: StoredImage = {
  digest,
  config: { platform: { os: 'linux', architecture: 'amd64' }, env: [], entrypoint: [], cmd: [], labels: {} },
  layers: [],
  sizeBytes: 1,
  entries: 1,
  converted: '2026-11-21T14:00:00.000Z',
};

test('an image without a list is for everybody, one with a list for those on it', () => {
  assert.ok(mayUse(image, { uid: 5, groups: [] }));
  const limited = { ...image, access: makeAccess([7, 5, 7], [20]) };
  assert.deepEqual(limited.access, { users: [5, 7], groups: [20] });
  assert.ok(mayUse(limited, { uid: 5, groups: [] }));
  assert.ok(mayUse(limited, { uid: 1, groups: [3, 20] }));
  assert.ok(!mayUse(limited, { uid: 1, groups: [3] }));
  // A user's number is no group's, and root is nobody special to a service.
  assert.ok(!mayUse(limited, { uid: 20, groups: [5] }));
  assert.ok(!mayUse(limited, { uid: 0, groups: [0] }));
  assert.ok(!mayUse({ ...image, access: makeAccess([], []) }, { uid: 5, groups: [5] }));
});

test('a record keeps who may use an image and who signed it', () => {
  const verification = {
    by: 'key',
    signatures: [
      { kind: 'cosign', key: 'sha256:00', digest, identity: 'r.test/a' },
      { kind: 'sigstore-bundle', key: 'sha256:00', digest },
    ],
    verified: '2026-11-21T14:00:00.000Z',
  } as const;
  const full: StoredImage = { ...image, verification, access: makeAccess([1], [2]) };
  const source = { path: '/r', digest };
  assert.deepEqual(parseStoredImage(formatStoredImage(full), source), full);
  for (const broken of [
    { ...full, access: { users: [1] } },
    { ...full, access: { users: [-1], groups: [] } },
    { ...full, access: { users: ['1'], groups: [] } },
    { ...full, verification: { ...verification, signatures: [{ kind: 'other', key: 'x', digest }] } },
  ]) {
    assert.throws(() => parseStoredImage(JSON.stringify(broken), source), { code: 'store-damaged' });
  }
});
