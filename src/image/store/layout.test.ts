// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type Digest, formatImageReference, hasCode, type ImageReference, parseDigest } from '../../model/index.ts';
import { blobPath, digestOfFileName, referenceOfTagFileName, squashfsPath, storePath, tagFileName } from './layout.ts';

describe('storePath', () => {
  test('is SLIPWAY_STORE, else in XDG_DATA_HOME, else in the home', () => {
    const env = { SLIPWAY_STORE: '/scratch/me', XDG_DATA_HOME: '/data' };
    assert.equal(storePath(env, '/home/me'), '/scratch/me');
    assert.equal(storePath({ ...env, SLIPWAY_STORE: '' }, '/home/me'), '/data/slipway');
    assert.equal(storePath({ XDG_DATA_HOME: 'relative' }, '/home/me'), '/home/me/.local/share/slipway');
    assert.equal(storePath({}, '/home/me'), '/home/me/.local/share/slipway');
  });

  test('refuses what would depend on the working directory', () => {
    for (const [env, home] of [
      [{ SLIPWAY_STORE: 'images' }, '/home/me'],
      [{}, undefined],
      [{}, ''],
    ] as const) {
      assert.throws(
        () => storePath(env, home),
        (error) => hasCode(error, 'store-path-unusable'),
      );
    }
  });
});

const component = fc.stringMatching(/^[a-z0-9]{1,20}([._-][a-z0-9]{1,5})?$/);
const reference: fc.Arbitrary<ImageReference> = fc
  .record({
    registry: fc.constantFrom('docker.io', 'localhost', '127.0.0.1:5000', '[::1]:5000', 'Registry.Example'),
    path: fc.array(component, { minLength: 2, maxLength: 8 }),
    tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/),
    hasDigest: fc.boolean(),
  })
  .map(({ registry, path, tag, hasDigest }) => ({
    registry,
    repository: path.join('/'),
    tag,
    ...(hasDigest ? { digest: parseDigest(`sha256:${'0f'.repeat(32)}`)! } : {}),
  }));

describe("a tag's file name", () => {
  test('fits any directory and gives the reference back, unless it is shortened', () => {
    fc.assert(
      fc.property(reference, (each) => {
        const name = tagFileName(each);
        assert.ok(Buffer.byteLength(name) <= 255 && !name.includes('/') && !name.startsWith('.'));
        const back = referenceOfTagFileName(name);
        if (back === 'shortened') assert.ok(encodeURIComponent(formatImageReference(each)).length > 200);
        else assert.deepEqual(back, each);
      }),
    );
  });

  test('differs for references that begin alike', () => {
    const long = { registry: 'r.example', repository: 'a/'.repeat(120) + 'a' };
    const names = ['1', '2'].map((tag) => tagFileName({ ...long, tag }));
    assert.notEqual(names[0], names[1]);
    assert.deepEqual(names.map(referenceOfTagFileName), ['shortened', 'shortened']);
  });

  test('is not taken from files that are no tags', () => {
    for (const name of ['', '.json', 'README', 'a%2.json', 'debian.json', 'docker.io%2Flibrary%2Fdebian%3A12.json.x']) {
      assert.equal(referenceOfTagFileName(name), undefined, name);
    }
  });
});

test('a digest is found again in the names made from it', () => {
  const digests: readonly Digest[] = [
    parseDigest(`sha256:${'0a'.repeat(32)}`)!,
    parseDigest(`sha512:${'0a'.repeat(64)}`)!,
  ];
  for (const digest of digests) {
    assert.equal(digestOfFileName(basename(squashfsPath('/s', digest)), '.squashfs'), digest);
    assert.equal(digestOfFileName(basename(blobPath('/s', digest)), ''), digest);
    assert.equal(digestOfFileName(basename(squashfsPath('/s', digest)), '.json'), undefined);
  }
  assert.equal(digestOfFileName('0a.json', '.json'), undefined);
});
