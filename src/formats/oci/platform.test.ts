// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPlatform, normalizePlatform, platformFit } from './platform.ts';
import type { Platform } from '../../model/index.ts';

function platform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/');
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

const fits: readonly (readonly [offered: string, wanted: string])[] = [
  ['linux/amd64', 'linux/amd64'],
  ['linux/amd64', 'linux/x86_64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/amd64', 'linux/amd64/v3'],
  ['linux/amd64/v2', 'linux/amd64/v3'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64', 'linux/aarch64/v8'],
  ['linux/arm64/v8', 'linux/arm64/v9'],
  ['linux/arm64/v8.1', 'linux/arm64/v8.2'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/v6', 'linux/arm'],
  ['linux/ppc64le', 'linux/ppc64le'],
];
for (const [offered, wanted] of fits) {
  test(`${offered} runs on ${wanted}`, () => {
    assert.notEqual(platformFit(platform(offered), platform(wanted)), undefined);
  });
}

const misfits: readonly (readonly [offered: string, wanted: string])[] = [
  ['linux/arm64', 'linux/amd64'],
  ['windows/amd64', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v2'],
  ['linux/arm64/v8.2', 'linux/arm64/v8.1'],
  ['linux/arm/v7', 'linux/arm/v6'],
  ['linux/arm64/custom', 'linux/arm64'],
];
for (const [offered, wanted] of misfits) {
  test(`${offered} does not run on ${wanted}`, () => {
    assert.equal(platformFit(platform(offered), platform(wanted)), undefined);
  });
}

test('the nearest variant fits best', () => {
  const wanted = platform('linux/amd64/v3');
  const order = ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3'].map(
    (text) => platformFit(platform(text), wanted) ?? 0,
  );
  assert.deepEqual(
    order,
    order.toSorted((left, right) => left - right),
  );
  assert.equal(new Set(order).size, 3);
});

test('platforms are written as os/architecture/variant', () => {
  assert.equal(formatPlatform(platform('linux/arm/v6')), 'linux/arm/v6');
  assert.equal(formatPlatform(normalizePlatform(platform('Linux/aarch64/v8'))), 'linux/arm64');
});
