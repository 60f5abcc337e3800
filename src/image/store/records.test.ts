// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode, parseDigest, parseImageReference, SlipwayError } from '../../model/index.ts';
import type { StoredImage, StoredTag } from '../types.ts';
import {
  formatPullRecord,
  formatStoredImage,
  formatStoredTag,
  parsePullRecord,
  parseStoredImage,
  parseStoredTag,
} from './records.ts';

const digest = parseDigest(`sha256:${'ab'.repeat(32)}`)!;
const other = parseDigest(`sha512:${'cd'.repeat(64)}`)!;
const image: StoredImage = {
  digest,
  indexDigest: other,
  configDigest: other,
  config: {
    platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    created: '2026-01-01T00:00:00Z',
    env: ['PATH=/bin', 'EMPTY=', 'UMLAUT=ä'],
    entrypoint: ['/entry'],
    cmd: ['a', 'b c'],
    workdir: '/work',
    user: '1000:1000',
    labels: { a: 'b', __proto__x: 'c' },
  },
  layers: [{ mediaType: 'm', digest: other, sizeBytes: 12, diffId: digest }],
  sizeBytes: 2 ** 40,
  entries: 3,
  converted: '2026-01-02T00:00:00.000Z',
};
const tag: StoredTag = {
  reference: parseImageReference('debian:12'),
  digest,
  pulled: '2026-01-02T00:00:00.000Z',
};
const source = { path: '/store/images/x.json', digest };

describe('records', () => {
  test('come back as they were written', () => {
    assert.deepEqual(parseStoredImage(formatStoredImage(image), source), image);
    assert.deepEqual(parseStoredTag(formatStoredTag(tag), '/t'), tag);
    assert.deepEqual(parsePullRecord(formatPullRecord([digest, other]), '/p'), [digest, other]);
  });

  test('may have fields that nobody knows yet', () => {
    const text = JSON.stringify({ ...image, signature: { of: 'somebody' } });
    assert.deepEqual(parseStoredImage(text, source), image);
  });

  test('keep a label called __proto__ as a label', () => {
    const labels = JSON.parse('{"__proto__": "x"}') as Readonly<Record<string, string>>;
    const text = formatStoredImage({ ...image, config: { ...image.config, labels } });
    const back = parseStoredImage(text, source).config.labels;
    assert.deepEqual(Object.entries(back), [['__proto__', 'x']]);
  });

  test('that are damaged anywhere are refused as such, or still well-formed', () => {
    const text = Buffer.from(formatStoredImage(image));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(text);
        damaged[at] = byte;
        try {
          const back = parseStoredImage(damaged.toString('utf8'), source);
          assert.equal(back.digest, digest);
          assert.ok(Number.isSafeInteger(back.sizeBytes) && back.layers.length === 1);
        } catch (error) {
          assert.ok(hasCode(error, 'store-damaged') && error.message.startsWith('read /store/images/x.json: '));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of any JSON at all are refused as damaged', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        for (const parse of [
          () => parseStoredImage(text, source),
          () => parseStoredTag(text, '/t'),
          () => parsePullRecord(text, '/p'),
        ]) {
          assert.throws(parse, (error) => error instanceof SlipwayError && error.code === 'store-damaged');
        }
      }),
    );
  });
});
