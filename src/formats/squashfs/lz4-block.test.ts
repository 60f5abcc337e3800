// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decompressLz4Block } from './lz4-block.ts';
import { compressLz4Block } from './lz4-encode.ts';

describe('an LZ4 block', () => {
  it('repeats what lies before, also where the match overlaps itself', () => {
    // Three literals; a match of 4 + 5 bytes three back; two literals.
    const block = Buffer.from([0x35, 0x61, 0x62, 0x63, 3, 0, 0x20, 0x21, 0x3f]);
    assert.equal(decompressLz4Block(block, 100).toString(), 'abcabcabcabc!?');
  });

  it('has lengths of more than one byte', () => {
    const literals = Buffer.alloc(300, 'x');
    const block = Buffer.concat([Buffer.from([0xf0, 255, 30]), literals]);
    assert.deepEqual(decompressLz4Block(block, 300), literals);
    assert.throws(() => decompressLz4Block(block, 299), RangeError);
  });

  it('comes back as it was, whatever it holds', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat({ max: 3000 }))
        .map(([bytes, length]) => Buffer.alloc(length, Buffer.from(bytes))),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        // Twice, so that matches lie far back.
        const input = Buffer.concat([...pieces, ...pieces]);
        assert.deepEqual(decompressLz4Block(compressLz4Block(input), input.length), input);
      }),
      { numRuns: 500 },
    );
    const far = Buffer.concat([
      Buffer.from('a needle in it'),
      Buffer.alloc(70_000),
      Buffer.from('a needle in it, '.repeat(9)),
    ]);
    assert.deepEqual(decompressLz4Block(compressLz4Block(far), far.length), far);
    assert.ok(compressLz4Block(far).length < 500);
  });

  it('never gives more than it may, or reads what is not there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 200 }), (bytes, maxBytes) => {
        try {
          assert.ok(decompressLz4Block(Buffer.from(bytes), maxBytes).length <= maxBytes);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
