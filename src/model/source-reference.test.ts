// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as assertProperty, property } from 'fast-check';
import { anyText } from './any-text.test-helper.ts';
import { SlipwayError } from './errors.ts';
import { formatSourceReference, parseSourceReference } from './source-reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('parseSourceReference', () => {
  for (const [text, expected] of [
    ['oci:dir', { transport: 'oci', path: 'dir' }],
    ['oci:/a/b:3.11', { transport: 'oci', path: '/a/b', name: '3.11' }],
    ['oci:dir:docker.io/library/debian:12', { transport: 'oci', path: 'dir', name: 'docker.io/library/debian:12' }],
    ['oci-archive:x.tar', { transport: 'oci-archive', path: 'x.tar' }],
    ['docker-archive:x.tar:a/b:1', { transport: 'docker-archive', path: 'x.tar', name: 'a/b:1' }],
    ['docker-daemon:debian:12', { transport: 'docker-daemon', name: 'debian:12' }],
    ['containers-storage:localhost/x', { transport: 'containers-storage', name: 'localhost/x' }],
    ['dir:/a:b', { transport: 'dir', path: '/a:b' }],
    ['directory:rootfs', { transport: 'directory', path: 'rootfs' }],
    ['tar:a b.tar.gz', { transport: 'tar', path: 'a b.tar.gz' }],
    ['squashfs:x', { transport: 'squashfs', path: 'x' }],
    ['sif:x', { transport: 'sif', path: 'x' }],
    ['./x', { transport: 'path', path: './x' }],
    ['..', { transport: 'path', path: '..' }],
    ['/a:b', { transport: 'path', path: '/a:b' }],
    ['images/mine/', { transport: 'path', path: 'images/mine/' }],
    ['image.sif', { transport: 'path', path: 'image.sif' }],
    ['a/b.tar.zst', { transport: 'path', path: 'a/b.tar.zst' }],
    ['debian', { transport: 'name', text: 'debian' }],
    ['debian:12', { transport: 'name', text: 'debian:12' }],
    ['quay.io:443/a/b@sha256:1', { transport: 'name', text: 'quay.io:443/a/b@sha256:1' }],
  ] as const) {
    it(`reads ${text}`, () => {
      const reference = parseSourceReference(text);
      assert.deepEqual(reference, expected);
      assert.deepEqual(parseSourceReference(formatSourceReference(reference)), reference);
    });
  }

  it('reads registry names with tag and digest', () => {
    for (const text of [`docker://debian@${digest}`, `docker://debian:12@${digest}`, 'docker://h:5000/x']) {
      const reference = parseSourceReference(text);
      assert.equal(reference.transport, 'docker');
      assert.deepEqual(parseSourceReference(formatSourceReference(reference)), reference);
    }
  });

  for (const [text, reason] of [
    ['', /it is empty/],
    ['oci:', /the path is missing/],
    ['oci::tag', /the path is missing/],
    ['sif:', /the path is missing/],
    ['docker-daemon:', /the name is missing/],
    ['ftp://x/y', /"ftp:\/\/" is no transport/],
    ['oci://x', /"oci:\/\/" is no transport/],
    ['a\0b', /NUL/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseSourceReference(text), reason);
    });
  }

  it('throws nothing but its own errors, and formats what it reads', () => {
    assertProperty(
      property(anyText(), (text) => {
        try {
          const reference = parseSourceReference(text);
          assert.deepEqual(parseSourceReference(formatSourceReference(reference)), reference);
        } catch (error) {
          assert.ok(error instanceof SlipwayError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
