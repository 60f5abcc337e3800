// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode } from '../../model/index.ts';
import { parseImageConfig } from './image-config.ts';

const fallback = { os: 'linux', architecture: 'arm64' };
const rootfs = { type: 'layers', diff_ids: [`sha256:${'a'.repeat(64)}`] };
const parse = (value: unknown): ReturnType<typeof parseImageConfig> =>
  parseImageConfig(Buffer.from(JSON.stringify(value)), 'the configuration of x', fallback);

test('a configuration as docker build writes it', () => {
  const parsed = parse({
    architecture: 'arm',
    variant: 'v7',
    os: 'linux',
    created: '2026-01-02T03:04:05Z',
    config: {
      User: '1000:1000',
      Env: ['PATH=/bin', 'EMPTY=', 'NAME'],
      Entrypoint: ['/init', '-x'],
      Cmd: null,
      WorkingDir: '/work',
      Labels: { a: 'b' },
    },
    rootfs,
    history: [{ empty_layer: true }],
  });
  assert.deepEqual(parsed.diffIds, rootfs.diff_ids);
  assert.deepEqual(parsed.config, {
    platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
    created: '2026-01-02T03:04:05Z',
    env: ['PATH=/bin', 'EMPTY=', 'NAME'],
    entrypoint: ['/init', '-x'],
    cmd: [],
    workdir: '/work',
    user: '1000:1000',
    labels: { a: 'b' },
  });
});

test('a label named __proto__ is a label', () => {
  const text = `{"rootfs":${JSON.stringify(rootfs)},"config":{"Labels":{"__proto__":"x"}}}`;
  const { labels } = parseImageConfig(Buffer.from(text), 'x', fallback).config;
  assert.deepEqual(Object.entries(labels), [['__proto__', 'x']]);
});

test('what is absent is empty, and the platform is the one asked for', () => {
  const empty = { platform: fallback, env: [], entrypoint: [], cmd: [], labels: {} };
  assert.deepEqual(parse({ rootfs }).config, empty);
  assert.deepEqual(parse({ rootfs, config: null, architecture: '', os: '' }).config, empty);
  const nulls = { Env: null, Entrypoint: null, Cmd: null, Labels: null, WorkingDir: '', User: '' };
  assert.deepEqual(parse({ rootfs, config: nulls }).config, empty);
});

test('a single word as plain text, as early builders wrote it', () => {
  assert.deepEqual(parse({ rootfs, config: { Entrypoint: '/init', Cmd: '' } }).config.entrypoint, ['/init']);
});

const malformed: readonly (readonly [string, unknown, RegExp])[] = [
  ['no rootfs', {}, /rootfs is missing/],
  ['another kind of rootfs', { rootfs: { ...rootfs, type: 'disk' } }, /rootfs\.type is not "layers"/],
  ['a diff id that is none', { rootfs: { ...rootfs, diff_ids: ['x'] } }, /rootfs\.diff_ids\[0\] is no/],
  ['an environment of numbers', { rootfs, config: { Env: [1] } }, /config\.Env\[0\] is not a string/],
  ['a variable without a name', { rootfs, config: { Env: ['=x'] } }, /config\.Env\[0\] has no name/],
  ['a NUL in a word', { rootfs, config: { Cmd: ['a\0b'] } }, /config\.Cmd\[0\] contains a NUL/],
  ['a NUL in the directory', { rootfs, config: { WorkingDir: '/\0' } }, /config\.WorkingDir contains a NUL/],
  ['labels that are a list', { rootfs, config: { Labels: ['a'] } }, /config\.Labels is not an object/],
  ['a label that is a number', { rootfs, config: { Labels: { a: 1 } } }, /config\.Labels\.a is not a string/],
];
for (const [name, value, pattern] of malformed) {
  test(`refused: ${name}`, () => {
    assert.throws(() => parse(value), { code: 'manifest-malformed', message: pattern });
  });
}

test('any JSON is read or refused with its code', () => {
  const settings = fc.dictionary(
    fc.constantFrom('Env', 'Cmd', 'Entrypoint', 'Labels', 'User', 'WorkingDir'),
    fc.jsonValue(),
  );
  const config = fc.record({
    rootfs: fc.oneof(fc.constant(rootfs), fc.jsonValue()),
    config: settings,
    os: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), config), (value) => {
      try {
        parse(value);
      } catch (error) {
        assert.ok(hasCode(error, 'manifest-malformed'), String(error));
      }
    }),
  );
});
