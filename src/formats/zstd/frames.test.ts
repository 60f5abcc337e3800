// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync, constants } from 'node:zlib';
import * as fc from 'fast-check';
import { SlipwayError } from '../../model/index.ts';
import { createZstdFrameSplitter } from './index.ts';

function skippable(body: Buffer, variant: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d_2a50 + variant);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

function cut(data: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let turn = 0; at < data.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(data.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const part = fc.oneof(
  fc.record({ kind: fc.constant('frame' as const), data: fc.uint8Array({ maxLength: 3000 }), checksum: fc.boolean() }),
  fc.record({ kind: fc.constant('skip' as const), data: fc.uint8Array({ maxLength: 40 }), variant: fc.nat(15) }),
);

test('frames come out whole and one by one, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 6 }).filter((parts) => parts.some((each) => each.kind === 'frame')),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 }),
      (parts, sizes) => {
        const stream = Buffer.concat(
          parts.map((each) =>
            each.kind === 'skip'
              ? skippable(Buffer.from(each.data), each.variant)
              : zstdCompressSync(each.data, {
                  params: { [constants.ZSTD_c_checksumFlag]: each.checksum ? 1 : 0 },
                }),
          ),
        );
        const splitter = createZstdFrameSplitter();
        const whole = Buffer.concat(cut(stream, sizes).flatMap((chunk) => splitter.push(chunk)));
        splitter.end();
        const frames = parts.filter((each) => each.kind === 'frame');
        // Once more, in one chunk: then each piece is one frame, which a decompressor can be asked about.
        const pieces = createZstdFrameSplitter().push(whole);
        assert.deepEqual(
          pieces.map((piece) => zstdDecompressSync(piece)),
          frames.map((each) => Buffer.from(each.data)),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('every prefix of a stream is known to be incomplete, but for whole frames', () => {
  const frame = zstdCompressSync(Buffer.from('content '.repeat(50)));
  for (let length = 0; length < frame.length; length += 1) {
    const splitter = createZstdFrameSplitter();
    splitter.push(frame.subarray(0, length));
    assert.throws(() => splitter.end(), SlipwayError, `prefix of ${length} bytes`);
  }
});

test('garbage after a frame is refused', () => {
  const splitter = createZstdFrameSplitter();
  assert.throws(() => splitter.push(Buffer.concat([zstdCompressSync(Buffer.from('a')), Buffer.from('garbage')])), {
    code: 'zstd-malformed',
  });
});

test('arbitrary bytes are read or refused, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, hasMagic) => {
      const splitter = createZstdFrameSplitter();
      try {
        if (hasMagic) splitter.push(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]));
        splitter.push(Buffer.from(bytes));
        splitter.end();
      } catch (error) {
        assert.ok(error instanceof SlipwayError);
      }
    }),
  );
});
