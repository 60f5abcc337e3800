// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatImageReference, parseImageReference } from './image-reference.ts';
import { noRegistryRules, placesOf, type RegistryRule } from './registry-rules.ts';
import { expandImageName } from './short-names.ts';

const rule = (prefix: string, location: string, more: Partial<RegistryRule> = {}): RegistryRule => ({
  prefix,
  location,
  isInsecure: false,
  isBlocked: false,
  mirrors: [],
  ...more,
});
const digest = `sha256:${'0a'.repeat(32)}`;

function placeNames(name: string, rules: readonly RegistryRule[]): readonly string[] | string {
  const places = placesOf(parseImageReference(name), rules);
  if ('blockedBy' in places) return `blocked by ${places.blockedBy}`;
  return places.map(
    ({ reference, isInsecure }) => `${formatImageReference(reference)}${isInsecure ? ' insecure' : ''}`,
  );
}

describe('placesOf', () => {
  test('without a rule an image is where its name says', () => {
    assert.deepEqual(placeNames('r.example/a:1', []), ['r.example/a:1']);
    assert.deepEqual(placeNames('r.example/a:1', [rule('r.example.org', 'x.example')]), ['r.example/a:1']);
  });

  test('the location stands in the place of the prefix', () => {
    const rules = [rule('r.example/old', 'other:5000/new/place', { isInsecure: true })];
    assert.deepEqual(placeNames('r.example/old/app:1', rules), ['other:5000/new/place/app:1 insecure']);
    assert.deepEqual(placeNames(`r.example/old:2@${digest}`, rules), [`other:5000/new/place:2@${digest} insecure`]);
    assert.deepEqual(placeNames('r.example/older/app:1', rules), ['r.example/older/app:1']);
    assert.deepEqual(placeNames('debian:12', [rule('docker.io', 'cache/hub')]), ['cache/hub/library/debian:12']);
  });

  test('the longest prefix decides, however the rules are ordered', () => {
    const rules = [rule('r.example', 'one.example'), rule('r.example/team', 'two.example'), rule('*.example', '')];
    for (const order of [rules, rules.toReversed()]) {
      assert.deepEqual(placeNames('r.example/team/a:1', order), ['two.example/a:1']);
      assert.deepEqual(placeNames('r.example/teams/a:1', order), ['one.example/teams/a:1']);
      assert.deepEqual(placeNames('s.example/a:1', order), ['s.example/a:1']);
    }
  });

  test('a wildcard covers every host below a domain, not the domain', () => {
    const rules = [rule('*.example.org', 'proxy.test', { isBlocked: false })];
    assert.deepEqual(placeNames('a.b.example.org/x/y:1', rules), ['proxy.test/x/y:1']);
    assert.deepEqual(placeNames('example.org/x:1', rules), ['example.org/x:1']);
    assert.deepEqual(placeNames('r.test/x.example.org:1', rules), ['r.test/x.example.org:1']);
    const blocked = [rule('*.example.org', '', { isBlocked: true })];
    // A port is part of the host's name, which `*.DOMAIN` therefore does not cover.
    assert.deepEqual(placeNames('a.example.org:5000/x:1', blocked), ['a.example.org:5000/x:1']);
    assert.equal(placeNames('a.example.org/x:1', blocked), 'blocked by *.example.org');
  });

  test('mirrors come first, some only for tags or only for digests', () => {
    const mirrors = [
      { location: 'm1.test/hub', isInsecure: true, pullFrom: 'all' },
      { location: 'm2.test', isInsecure: false, pullFrom: 'digest-only' },
      { location: 'm3.test', isInsecure: false, pullFrom: 'tag-only' },
    ] as const;
    const rules = [rule('r.example', 'r.example', { mirrors })];
    assert.deepEqual(placeNames('r.example/a:1', rules), ['m1.test/hub/a:1 insecure', 'm3.test/a:1', 'r.example/a:1']);
    assert.deepEqual(placeNames(`r.example/a@${digest}`, rules), [
      `m1.test/hub/a@${digest} insecure`,
      `m2.test/a@${digest}`,
      `r.example/a@${digest}`,
    ]);
  });
});

describe('expandImageName', () => {
  const expand = (name: string, rules: Partial<typeof noRegistryRules>): readonly string[] =>
    expandImageName(name, { ...noRegistryRules, ...rules }).map(formatImageReference);
  const aliases = new Map([['fedora', 'registry.fedora.test/fedora']]);

  test('a full name means itself', () => {
    const rules = { aliases: new Map([['a', 'x.test/a']]), searched: ['y.test'] };
    assert.deepEqual(expand('r.example/a:1', rules), ['r.example/a:1']);
    assert.deepEqual(expand('docker://a', rules), ['docker.io/library/a:latest']);
  });

  test('an alias stands for its name, tags and digests kept', () => {
    assert.deepEqual(expand('fedora', { aliases }), ['registry.fedora.test/fedora:latest']);
    assert.deepEqual(expand('fedora:40', { aliases }), ['registry.fedora.test/fedora:40']);
    assert.deepEqual(expand(`fedora@${digest}`, { aliases }), [`registry.fedora.test/fedora@${digest}`]);
    assert.deepEqual(expand('fedora/x', { aliases }), ['docker.io/fedora/x:latest']);
  });

  test('registries are searched in order; several only where that is allowed', () => {
    assert.deepEqual(expand('app', { searched: ['a.test'] }), ['a.test/app:latest']);
    assert.deepEqual(expand('app', { searched: [] }), ['docker.io/library/app:latest']);
    const searched = ['a.test', 'docker.io'];
    assert.deepEqual(expand('app', { searched, shortNames: 'permissive' }), [
      'a.test/app:latest',
      'docker.io/library/app:latest',
    ]);
    assert.throws(() => expand('app', { searched }), { code: 'short-name-ambiguous', message: /a\.test\/app, docker/ });
  });
});
