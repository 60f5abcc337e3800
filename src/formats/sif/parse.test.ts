// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { array, assert as assertProperty, integer, property, record, uint8Array } from 'fast-check';
import { SlipwayError } from '../../model/index.ts';
import { buildSif, type SifFields, usualObjects } from './build.test-helper.ts';
import { parseSif, type SifImage } from './parse.ts';

const content = Buffer.from('hsqs and what follows it');

function parse(bytes: Buffer): SifImage {
  return parseSif({
    path: 'x.sif',
    sizeBytes: bytes.length,
    read: (offset, length) => bytes.subarray(offset, Math.min(bytes.length, offset + length)),
  });
}

describe('parseSif', () => {
  it('reads what Apptainer writes', () => {
    const bytes = buildSif(usualObjects(content));
    const image = parse(bytes);
    assert.equal(image.architecture, 'amd64');
    assert.equal(image.createdSec, 1_700_000_000);
    assert.deepEqual(
      image.descriptors.map(({ type, name, partition }) => [type, name, partition?.fileSystem, partition?.role]),
      [
        ['deffile', 'definition', undefined, undefined],
        ['json', 'oci-config', undefined, undefined],
        ['partition', 'rootfs', 'squashfs', 'primary-system'],
      ],
    );
    const { startBytes = 0, sizeBytes = 0, partition } = image.descriptors[2] ?? {};
    assert.deepEqual(bytes.subarray(startBytes, startBytes + sizeBytes), content);
    assert.equal(partition?.architecture, 'amd64');
  });

  it('passes over descriptors that are not used, and names types that it does not know by their number', () => {
    const { descriptors } = parse(
      buildSif([
        { type: 0x4007, content, isUsed: false },
        { type: 0x4321, content },
      ]),
    );
    assert.deepEqual(
      descriptors.map(({ type, id }) => [type, id]),
      [['0x4321', 2]],
    );
  });

  const spoiled = (spoil: (descriptor: Buffer) => void): SifFields => ({ spoil });
  for (const [what, fields, reason] of [
    ['another magic', { magic: 'SIF_TRICK\0' }, /does not begin as SIF does/],
    ['a later version', { version: '02' }, /of version "02"/],
    ['descriptors without end', { descriptorsTotal: 2n ** 40n }, /1099511627776 descriptors/],
    ['a negative count', { descriptorsTotal: -1n }, /-1 descriptors/],
    ['more descriptors than there is room for', { descriptorsTotal: 60_000n }, /run beyond its end/],
    ['descriptors beyond the end', { descriptorsOffset: 2n ** 60n }, /offset of the descriptors is \d+, beyond/],
    ['descriptors at a negative offset', { descriptorsOffset: -4096n }, /offset of the descriptors is -4096/],
    ['an object beyond the end', spoiled((d) => d.writeBigInt64LE(2n ** 62n, 17)), /offset of descriptor 1 is/],
    ['an object at a negative offset', spoiled((d) => d.writeBigInt64LE(-1n, 17)), /offset of descriptor 1 is -1/],
    [
      'an object of a size that lies',
      spoiled((d) => d.writeBigInt64LE(40_000n, 25)),
      /(?:runs beyond|beyond the file's)/,
    ],
    ['an object of a negative size', spoiled((d) => d.writeBigInt64LE(-5n, 25)), /size of descriptor 1 is -5/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parse(buildSif([{ type: 0x4004, content, partition: { fileSystem: 1, role: 2 } }], fields)),
        (error) => error instanceof SlipwayError && error.code === 'sif-malformed' && reason.test(error.message),
      );
    });
  }

  it('refuses a file that ends early, wherever', () => {
    const bytes = buildSif(usualObjects(content));
    for (const length of [0, 1, 31, 42, 127, 128, 4096, 5000, 32_000, 32_768, bytes.length - 4096]) {
      assert.throws(() => parse(bytes.subarray(0, length)), { code: 'sif-malformed' }, `${length} bytes`);
    }
  });

  it('never throws anything else, nor points outside the file, whatever is changed in it', () => {
    const bytes = buildSif(usualObjects(content));
    const change = record({ at: integer({ min: 0, max: 4096 + 3 * 585 }), bytes: uint8Array({ maxLength: 12 }) });
    assertProperty(
      property(array(change, { maxLength: 6 }), (changes) => {
        const spoiltBytes = Buffer.from(bytes);
        for (const { at, bytes: put } of changes) spoiltBytes.set(put, at);
        try {
          for (const { startBytes, sizeBytes } of parse(spoiltBytes).descriptors) {
            assert.ok(startBytes >= 0 && sizeBytes >= 0 && startBytes + sizeBytes <= spoiltBytes.length);
          }
        } catch (error) {
          assert.ok(error instanceof SlipwayError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
