// SPDX-License-Identifier: Apache-2.0
// Reading images that squashfs-tools and squashfs-tools-ng wrote, in each of their shapes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { hasCode } from '../../src/model/index.ts';
import { needs } from '../support/needs.ts';
import { assertSameTree, withImage } from './compare-tree.ts';
import { makeSampleTree } from './sample-tree.ts';

const skip = needs({ commands: ['mksquashfs', 'tar2sqfs', 'tar', 'setfattr'] });
const work = mkdtempSync(`${tmpdir()}/squashfs-reader-`);
const tree = `${work}/tree`;
const image = `${work}/image.squashfs`;

function mksquashfs(...options: string[]): void {
  execFileSync('mksquashfs', [tree, image, '-noappend', '-no-progress', '-quiet', ...options]);
}

before(() => {
  if (skip !== false) return;
  mkdirSync(tree);
  makeSampleTree(tree, 16 * 1024);
});
after(() => rmSync(work, { recursive: true, force: true }));

describe('an image made by mksquashfs', { skip }, () => {
  const shapes: readonly (readonly string[])[] = [
    ['-comp', 'zstd', '-b', '16K'],
    ['-comp', 'gzip', '-b', '4K', '-no-exports'],
    ['-comp', 'lz4', '-b', '16K'],
    ['-comp', 'lz4', '-Xhc', '-b', '1M'],
    ['-comp', 'xz', '-b', '1M', '-Xbcj', 'x86'],
    ['-comp', 'zstd', '-b', '1M', '-Xcompression-level', '19'],
    ['-comp', 'zstd', '-b', '16K', '-no-fragments'],
    // Not with -always-use-fragments: mksquashfs 4.5.1 now and then damages such images (unsquashfs can't read them either).
    ['-comp', 'zstd', '-b', '16K'],
    ['-comp', 'zstd', '-b', '16K', '-no-duplicates', '-no-sparse', '-no-xattrs'],
    ['-comp', 'zstd', '-b', '16K', '-noI', '-noX'],
    ['-comp', 'zstd', '-b', '16K', '-noD', '-noF', '-noId'],
  ];
  for (const shape of shapes) {
    it(`has the same tree with ${shape.join(' ')}`, () => {
      mksquashfs(...shape);
      withImage(image, (opened) => {
        assertSameTree(opened, tree);
      });
    });
  }

  it('has the extended attributes', () => {
    mksquashfs('-comp', 'zstd');
    withImage(image, (opened) => {
      const xattrsOf = (path: string): Record<string, string> => {
        const inode = opened.lookup(path);
        assert.ok(inode !== undefined);
        return Object.fromEntries(opened.readXattrs(inode).map(({ name, value }) => [name, value.toString()]));
      };
      assert.deepEqual(xattrsOf('/etc/os-release'), { 'user.note': 'one' });
      assert.deepEqual(xattrsOf('/empty'), { 'user.note': 'one' });
      assert.deepEqual(xattrsOf('/etc'), { 'user.long': 'v'.repeat(3000) });
      assert.deepEqual(xattrsOf('/usr'), {});
    });
  });

  for (const compression of ['lzo', 'lzma']) {
    it(`is refused by the compression's name with ${compression}`, () => {
      mksquashfs('-comp', compression);
      assert.throws(
        () => withImage(image, () => undefined),
        (error) => hasCode(error, 'squashfs-compression-unsupported') && error.message.includes(`with ${compression},`),
      );
    });
  }
});

describe('an image made by tar2sqfs', { skip }, () => {
  it('has the same tree', () => {
    rmSync(image, { force: true });
    execFileSync('sh', [
      '-c',
      'tar -C "$1" --xattrs -cf - . | tar2sqfs -q -f -c zstd --exportable "$2"',
      'sh',
      tree,
      image,
    ]);
    withImage(image, (opened) => {
      // It counts every entry of a directory as a link to it.
      assertSameTree(opened, tree, { directoryLinks: false });
    });
  });
});

describe('a path in an image', { skip }, () => {
  before(() => mksquashfs('-comp', 'zstd'));
  const resolve = (path: string | Buffer, followLast = true): string | undefined =>
    withImage(image, (opened) => opened.resolve(path, { followLast })?.path.toString('latin1'));

  for (const [path, expected] of [
    ['/etc/os-release', '/etc/os-release'],
    ['etc//./os-release', '/etc/os-release'],
    ['/', '/'],
    ['', '/'],
    ['/..', '/'],
    ['/../../etc/../etc/deep/..', '/etc'],
    ['/lib', '/usr/lib'],
    ['/lib/absolute', '/etc/os-release'],
    ['/lib/relative', undefined],
    ['/etc/deep/er/out/os-release', '/etc/os-release'],
    ['/dangling', undefined],
    ['/etc/os-release/x', undefined],
    ['/etc/os-release/..', undefined],
    ['/etc/os-release/', undefined],
    ['/with-slash/os-release', '/etc/os-release'],
    ['/file-with-slash', undefined],
    ['/many/699', '/many/699'],
    ['/many/700', undefined],
    ['/many/00', undefined],
    ['/latin-\u00e9', undefined],
  ] as const) {
    it(`${JSON.stringify(path)} leads to ${expected ?? 'nothing'}`, () => {
      assert.equal(resolve(path), expected);
    });
  }

  it('is followed by its last component only when asked', () => {
    assert.equal(resolve('/lib', false), '/lib');
    assert.equal(resolve('/lib/', false), '/usr/lib');
    assert.equal(resolve('/lib/absolute', false), '/usr/lib/absolute');
    assert.equal(resolve('/dangling', false), '/dangling');
  });

  it('can have bytes that are no UTF-8', () => {
    const path = Buffer.from('/latin-\u00e9\u00ff\u0080', 'latin1');
    assert.equal(resolve(path), path.toString('latin1'));
  });

  it('is given up in a loop of links', () => {
    assert.throws(
      () => resolve('/loop-a'),
      (error) => hasCode(error, 'squashfs-symlink-loop'),
    );
  });
});

describe('a large image', { skip }, () => {
  it('with 20,000 files in a directory has each of them', () => {
    const many = `${work}/large`;
    mkdirSync(many);
    for (let index = 0; index < 20_000; index++) writeFileSync(`${many}/file-${index}`, '');
    execFileSync('mksquashfs', [many, image, '-noappend', '-no-progress', '-quiet', '-comp', 'zstd']);
    rmSync(many, { recursive: true });
    withImage(image, (opened) => {
      let count = 0;
      for (const { inode } of opened.walk()) count += inode.kind === 'file' ? 1 : 0;
      assert.equal(count, 20_000);
      for (let index = 0; index < 20_000; index += 997) {
        assert.equal(opened.lookup(`/file-${index}`)?.kind, 'file');
        assert.equal(opened.lookup(`/file-${index}x`), undefined);
      }
    });
  });
});
