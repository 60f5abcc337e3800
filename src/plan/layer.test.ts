// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MadeEntry, MountRequest } from '../model/index.ts';
import { layerFor } from './layer.ts';
import { exampleHost, exampleImage } from './testing/example-run.ts';

const bind = (source: string, target: string): MountRequest => ({ kind: 'bind', source, target, flags: {} });
const directory = (path: string): MadeEntry => ({ path, kind: 'directory' });
const host = { ...exampleHost, sourceKinds: new Map([['/conf', 'file'] as const]) };

function entriesFor(own: readonly MadeEntry[], mounts: readonly MountRequest[], image = exampleImage): string {
  return layerFor(own, mounts, { image, host })
    .entries.map(({ path, kind }) => (kind === 'directory' ? `${path}/` : path))
    .join(' ');
}

test('a mount point that the image lacks is made, with what is above it', () => {
  assert.equal(entriesFor([directory('var')], [bind('/scratch', '/a/b'), bind('/conf', '/a/c')]), 'a/ a/b/ a/c var/');
});

test('nothing is made where the image, the layer or an earlier mount has it', () => {
  assert.equal(entriesFor([directory('x')], [bind('/s', '/tmp'), bind('/s', '/x'), bind('/t', '/x/y')]), 'x/');
});

test('a mount point below a link of the image is made where the link leads', () => {
  const image = { ...exampleImage, places: new Map([['/lib/x', '/usr/lib/x']]) };
  assert.equal(entriesFor([], [bind('/s', '/lib/x')], image), 'usr/ usr/lib/ usr/lib/x/');
});

test('a directory of the layer that covers a link of the image has its own mount points', () => {
  const image = {
    ...exampleImage,
    kinds: new Map([...exampleImage.kinds, ['/var/lib/x', 'directory'] as const]),
    places: new Map([
      ['/var', '/elsewhere'],
      ['/var/lib/x', '/elsewhere/lib/x'],
    ]),
  };
  assert.equal(entriesFor([directory('var')], [bind('/s', '/var/lib/x')], image), 'var/ var/lib/ var/lib/x/');
});

test('equal content has one name', () => {
  const named = (own: readonly MadeEntry[]): string => layerFor(own, [], { image: exampleImage, host }).path;
  assert.equal(named([directory('a'), directory('b')]), named([directory('b'), directory('a')]));
  assert.notEqual(
    named([{ path: 'a', kind: 'file', content: '1' }]),
    named([{ path: 'a', kind: 'file', content: '2' }]),
  );
});
