// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decompressLz4Block } from './lz4-block.ts';

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
