// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PullEvent } from '../../model/index.ts';
import { type EntryFields, dir, file, merge, show, symlink } from './merge.test-helper.ts';

const all = [
  'dev/',
  'etc/',
  'etc/group =0',
  'etc/hosts =0',
  'etc/passwd =0',
  'etc/resolv.conf =0',
  'home/',
  'mnt/',
  'proc/',
  'root/',
  'run/',
  'sys/',
  'tmp/',
  'usr/',
  'usr/bin/',
  'var/',
  'var/tmp/',
];

function skeletonOf(entries: readonly EntryFields[]): { readonly lines: readonly string[]; readonly replaced: number } {
  const merged = merge([entries], { hasSkeleton: true });
  const events: PullEvent[] = [];
  merged.warnings.emitAll((event) => events.push(event));
  const replaced = events.map((event) => (event.type === 'warning' ? event.count : 0)).reduce((a, b) => a + b, 0);
  return { lines: show(merged), replaced };
}

test('an empty image gets everything', () => {
  assert.deepEqual(skeletonOf([]), { lines: all, replaced: 0 });
});

test('what is there stays, links to directories and files included', () => {
  const { lines, replaced } = skeletonOf([
    file('etc/passwd', 7),
    symlink('etc/hosts', 'hosts.real'),
    file('etc/hosts.real', 9),
    symlink('home', '/srv/homes'),
    dir('srv/homes'),
    symlink('tmp', 'var/tmp'),
    dir('var/tmp'),
  ]);
  assert.equal(replaced, 0);
  for (const line of ['etc/passwd =7', 'etc/hosts -> hosts.real', 'home -> /srv/homes', 'tmp -> var/tmp']) {
    assert.ok(lines.includes(line), line);
  }
});

test('/dev is an empty directory, whatever it was', () => {
  assert.deepEqual(skeletonOf([dir('dev'), file('dev/x', 1), dir('dev/shm')]).lines, all);
  assert.deepEqual(skeletonOf([symlink('dev', '/proc'), file('f')]).lines, [
    ...all.slice(0, 6),
    'f =0',
    ...all.slice(6),
  ]);
  assert.deepEqual(skeletonOf([file('dev', 1)]).lines, all);
});

test('what can not be mounted on is replaced and counted', () => {
  const { lines, replaced } = skeletonOf([
    symlink('etc/resolv.conf', '../run/systemd/resolve/stub-resolv.conf'),
    symlink('etc/passwd', '/nowhere'),
    dir('etc/group'),
    symlink('etc/hosts', 'hosts'),
    file('mnt', 5),
    symlink('home', '/gone'),
  ]);
  assert.deepEqual([lines, replaced], [all, 6]);
});

test('an absolute symlink at /etc/resolv.conf is replaced, even when it leads somewhere', () => {
  const { lines, replaced } = skeletonOf([symlink('etc/resolv.conf', '/etc/real'), file('etc/real', 3)]);
  assert.equal(replaced, 1);
  assert.ok(lines.includes('etc/resolv.conf =0') && lines.includes('etc/real =3'));
});
