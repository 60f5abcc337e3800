// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { assert as assertProperty, property, uint8Array } from 'fast-check';
import { detectCompression } from './detect.ts';

describe('detectCompression', () => {
  const contents = [Buffer.alloc(0), Buffer.from('content'), Buffer.alloc(100_000, 7)];

  it('knows what the real compressors write, empty input included', () => {
    for (const content of contents) {
      assert.equal(detectCompression(gzipSync(content)), 'gzip');
      assert.equal(detectCompression(zstdCompressSync(content)), 'zstd');
      assert.equal(detectCompression(execFileSync('xz', ['-c'], { input: content })), 'xz');
      assert.equal(detectCompression(execFileSync('bzip2', ['-c'], { input: content })), 'bzip2');
    }
  });

  it('takes a skippable zstd frame for zstd', () => {
    assert.equal(detectCompression(Buffer.from([0x57, 0x2a, 0x4d, 0x18, 4, 0, 0, 0])), 'zstd');
  });

  it('takes everything else as it is, also what is cut within a magic number', () => {
    for (const text of ['', 'B', 'BZh', 'BZh0', 'BZh9 is no archive', '\x1f', '\xfd7zX', 'ustar']) {
      assert.equal(detectCompression(Buffer.from(text, 'latin1')), 'none', JSON.stringify(text));
    }
  });

  it('never throws', () => {
    assertProperty(
      property(uint8Array({ maxLength: 20 }), (bytes) => {
        assert.equal(typeof detectCompression(Buffer.from(bytes)), 'string');
      }),
    );
  });
});
