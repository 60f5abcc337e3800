// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPlatform, machinePlatform, parsePlatform } from './platform.ts';

test('reads platforms and writes them back', () => {
  for (const text of ['linux/amd64', 'linux/arm64/v8', 'linux/ppc64le', 'linux/arm/v7']) {
    const platform = parsePlatform(text);
    assert.ok(platform !== undefined);
    assert.equal(formatPlatform(platform), text);
  }
  for (const text of [
    '',
    'amd64',
    'linux/',
    '/amd64',
    'Linux/amd64',
    'linux/amd64/',
    'linux/amd64/v1/x',
    'linux/a b',
  ]) {
    assert.equal(parsePlatform(text), undefined, text);
  }
});

test("names this machine's platform as images do", () => {
  assert.equal(formatPlatform(machinePlatform('x64')), 'linux/amd64');
  assert.equal(formatPlatform(machinePlatform('arm64')), 'linux/arm64');
});
