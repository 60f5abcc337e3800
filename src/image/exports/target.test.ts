// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as assertProperty, property } from 'fast-check';
import { anyText } from '../../model/any-text.test-helper.ts';
import { SlipwayError } from '../../model/index.ts';
import { parseTarget } from './target.ts';

describe('parseTarget', () => {
  for (const [text, expected] of [
    ['image.sqfs', { format: 'squashfs', path: 'image.sqfs', compression: 'none' }],
    ['image.tar', { format: 'tar', path: 'image.tar', compression: 'none' }],
    ['a/image.tgz', { format: 'tar', path: 'a/image.tgz', compression: 'gzip' }],
    ['image.tar.zst', { format: 'tar', path: 'image.tar.zst', compression: 'zstd' }],
    ['image.txz', { format: 'tar', path: 'image.txz', compression: 'xz' }],
    ['image.tar.bz2', { format: 'tar', path: 'image.tar.bz2', compression: 'bzip2' }],
    ['rootfs', { format: 'directory', path: 'rootfs', compression: 'none' }],
    ['debian-12.1/', { format: 'directory', path: 'debian-12.1/', compression: 'none' }],
    ['directory:x.tar', { format: 'directory', path: 'x.tar', compression: 'none' }],
    ['oci:dir:1.0', { format: 'oci', path: 'dir', compression: 'none', name: '1.0' }],
    ['docker-archive:x.tar:a/b:1', { format: 'docker-archive', path: 'x.tar', compression: 'none', name: 'a/b:1' }],
    ['squashfs:a:b', { format: 'squashfs', path: 'a:b', compression: 'none' }],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(parseTarget(text), expected));
  }

  it('goes by what was said otherwise', () => {
    assert.equal(parseTarget('rootfs', 'squashfs').format, 'squashfs');
    assert.deepEqual(parseTarget('x.tar:a:1', 'oci-archive'), {
      format: 'oci-archive',
      path: 'x.tar',
      compression: 'none',
      name: 'a:1',
    });
  });

  for (const [text, reason] of [
    ['', /the path is missing/],
    ['oci:', /the path is missing/],
    ['x.sif', /its ending is not known/],
    ['x.zip', /its ending is not known/],
    ['docker://x/y', /slipway push/],
    ['sif:x', /sif is read only/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseTarget(text), reason));
  }

  it('throws nothing but its own errors', () => {
    assertProperty(
      property(anyText(), (text) => {
        try {
          parseTarget(text);
        } catch (error) {
          assert.ok(error instanceof SlipwayError, String(error));
        }
      }),
    );
  });
});
