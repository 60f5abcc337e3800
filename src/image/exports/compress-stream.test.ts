// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { readDecompressed } from '../read-decompressed.ts';
import { compressInto } from './compress-stream.ts';
import { systemSearchPath } from '../../sys/process.ts';

const searchPath = systemSearchPath;

async function compress(
  compression: 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2',
  chunks: readonly Buffer[],
): Promise<Buffer> {
  const parts: Buffer[] = [];
  const { signal } = new AbortController();
  const write = (chunk: Buffer): Promise<void> => {
    parts.push(Buffer.from(chunk));
    return Promise.resolve();
  };
  await compressInto(write, { compression, threads: 2, searchPath, signal }, async (plain) => {
    for (const chunk of chunks) await plain(chunk);
  });
  return Buffer.concat(parts);
}

async function decompress(bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  async function* stored(): AsyncGenerator<Buffer> {
    // In pieces that end anywhere.
    for (let at = 0; at < bytes.length; at += 70_001) yield await Promise.resolve(bytes.subarray(at, at + 70_001));
  }
  const options = { name: 'a test', searchPath, signal: new AbortController().signal };
  await readDecompressed(stored(), options, (chunk) => {
    parts.push(Buffer.from(chunk));
    return true;
  });
  return Buffer.concat(parts);
}

const contents = {
  'nothing': [],
  'a little': [Buffer.from('a'), Buffer.from('b')],
  'several pieces': [Buffer.alloc(1_300_000, 'text '), randomBytes(900_000), Buffer.alloc(2_000_000, 7)],
} as const;

describe('compressInto', () => {
  for (const compression of ['none', 'gzip', 'zstd', 'xz', 'bzip2'] as const) {
    for (const [what, chunks] of Object.entries(contents)) {
      it(`${compression}: ${what} comes back`, async () => {
        assert.ok((await decompress(await compress(compression, chunks))).equals(Buffer.concat(chunks)));
      });
    }
  }

  it('gives the same bytes however they come', async () => {
    const bytes = Buffer.concat(contents['several pieces']);
    const small = Array.from({ length: Math.ceil(bytes.length / 99_999) }, (_, index) =>
      bytes.subarray(index * 99_999, (index + 1) * 99_999),
    );
    for (const compression of ['gzip', 'zstd'] as const) {
      assert.ok((await compress(compression, [bytes])).equals(await compress(compression, small)), compression);
    }
  });

  it('is what gzip and zstd read', async () => {
    const chunks = contents['several pieces'];
    const bytes = Buffer.concat(chunks);
    assert.ok(gunzipSync(await compress('gzip', chunks)).equals(bytes));
    for (const compression of ['gzip', 'zstd'] as const) {
      const input = await compress(compression, chunks);
      assert.ok(execFileSync(compression, ['-dc'], { input, maxBuffer: 2 ** 26 }).equals(bytes), compression);
    }
  });

  it('ends with what the producer throws', async () => {
    const failure = new Error('no more');
    for (const compression of ['none', 'gzip', 'zstd', 'xz'] as const) {
      const { signal } = new AbortController();
      await assert.rejects(
        compressInto(
          () => Promise.resolve(),
          { compression, threads: 1, searchPath, signal },
          async (plain) => {
            await plain(Buffer.alloc(1000));
            throw failure;
          },
        ),
        failure,
      );
    }
  });
});
