// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { hasCode } from '../../model/index.ts';
import {
  encodeTree,
  type ImageLayout,
  type Inode,
  openSquashfs,
  type SquashfsImage,
  superblockSizeBytes,
  type TreeDirectory,
  type TreeEntry,
  type TreeNode,
} from './index.ts';

const attributes = { mode: 0o755, uid: 0, gid: 0, mtimeSec: 1_700_000_000 };

function directory(entries: readonly TreeEntry[], more: Partial<TreeDirectory> = {}): TreeDirectory {
  return { kind: 'directory', ...attributes, ...more, children: () => entries };
}

/** An image whose files, whatever their content's number, are that many zero bytes. */
function encode(
  root: TreeDirectory,
  options: Partial<Pick<ImageLayout, 'compress' | 'blockSizeBytes' | 'placeOf'>> = {},
): Buffer {
  const blockSizeBytes = options.blockSizeBytes ?? 4096;
  const { superblock, tables } = encodeTree({
    root,
    placeOf:
      options.placeOf ??
      ((content) => ({
        sizeBytes: content,
        firstBlock: 0,
        sizeWords: Array.from({ length: Math.ceil(content / blockSizeBytes) }, () => 0),
        fragment: undefined,
      })),
    fragments: [],
    dataEnd: superblockSizeBytes,
    blockSizeBytes,
    compression: 'zstd',
    hasCompressorOptions: false,
    mkfsTimeSec: 1,
    compress: options.compress ?? ((block) => zstdCompressSync(block)),
  });
  return Buffer.concat([superblock, ...tables]);
}

function open(bytes: Buffer): SquashfsImage {
  const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
  return openSquashfs({ image: 'test', read, sizeBytes: bytes.length });
}

function file(name: string, more: object = {}): TreeEntry {
  return { name: Buffer.from(name), node: { kind: 'file', ...attributes, content: 0, ...more } };
}

/** What can be compared of a node that went in and an inode that came out. */
function summary(node: TreeNode | Inode): unknown {
  const { kind, mode, uid, gid, mtimeSec } = node;
  const common = { kind, mode, uid, gid, mtimeSec };
  if (kind === 'symlink') return { ...common, target: node.target.toString('latin1') };
  if (kind === 'block-device' || kind === 'character-device') {
    return { ...common, major: node.major, minor: node.minor };
  }
  if (kind === 'file') return { ...common, size: 'content' in node ? node.content : node.sizeBytes };
  return common;
}

const nameArbitrary = fc
  .uint8Array({ minLength: 1, maxLength: 30 })
  .map((bytes) => Buffer.from(bytes))
  .filter((name) => !name.includes(0) && !name.includes(0x2f) && !['.', '..'].includes(name.toString('latin1')));
const attributesArbitrary = fc.record({
  mode: fc.nat({ max: 0o7777 }),
  uid: fc.nat({ max: 0xffff_ffff }),
  gid: fc.nat({ max: 0xffff_ffff }),
  mtimeSec: fc.nat({ max: 0xffff_ffff }),
  xattrs: fc.uniqueArray(
    fc
      .record({
        name: fc.constantFrom('user.a', 'user.b', 'trusted.x', 'security.capability'),
        value: fc.uint8Array({ maxLength: 40 }),
      })
      .map(({ name, value }) => ({ name, value: Buffer.from(value) })),
    { selector: ({ name }) => name, maxLength: 3 },
  ),
});
const leafArbitrary: fc.Arbitrary<TreeNode> = attributesArbitrary.chain((given) =>
  fc.oneof(
    fc.nat({ max: 100_000 }).map((content): TreeNode => ({ kind: 'file', ...given, content })),
    fc
      .uint8Array({ minLength: 1, maxLength: 100 })
      .map((target) => Buffer.from(target.map((byte) => byte || 1)))
      .map((target): TreeNode => ({ kind: 'symlink', ...given, target })),
    fc
      .record({ major: fc.nat({ max: 0xfff }), minor: fc.nat({ max: 0xf_ffff }) })
      .map((device): TreeNode => ({ kind: 'character-device', ...given, ...device })),
    fc.constantFrom('fifo' as const, 'socket' as const).map((kind): TreeNode => ({ kind, ...given })),
  ),
);
const { tree: treeArbitrary } = fc.letrec<{ tree: TreeDirectory; node: TreeNode }>((tie) => ({
  node: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leafArbitrary, tie('tree')),
  tree: fc
    .tuple(
      attributesArbitrary,
      fc.uniqueArray(fc.record({ name: nameArbitrary, node: tie('node') }), {
        selector: ({ name }) => name.toString('latin1'),
        maxLength: 12,
      }),
    )
    .map(([given, entries]) => directory(entries, given)),
}));

describe('an encoded tree', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(treeArbitrary, fc.boolean(), (root, isCompressed) => {
        const image = open(encode(root, isCompressed ? {} : { compress: (block) => block }));
        const expected = new Map<string, TreeNode>();
        const collect = (parent: TreeDirectory, path: string): void => {
          for (const { name, node } of parent.children()) {
            const at = `${path}/${name.toString('latin1')}`;
            expected.set(at, node);
            if (node.kind === 'directory') collect(node, at);
          }
        };
        collect(root, '');
        assert.deepEqual(summary(image.root), summary(root));
        let count = 0;
        for (const { path, inode } of image.walk()) {
          const node = expected.get(path.toString('latin1'));
          assert.ok(node !== undefined);
          assert.deepEqual(summary(inode), summary(node));
          const xattrs = [...(node.xattrs ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
          assert.deepEqual(image.readXattrs(inode), xattrs);
          assert.deepEqual(image.lookup(path, { followLast: false }), inode);
          count += 1;
        }
        assert.equal(count, expected.size);
        assert.equal(image.superblock.inodeCount, expected.size + 1);
      }),
      { numRuns: 100 },
    );
  });

  it('is the same whatever order the entries come in', () => {
    const entries = ['b', 'a', 'c'].map((name) => file(name));
    assert.deepEqual(encode(directory(entries)), encode(directory(entries.toReversed())));
  });

  for (const nameLength of [8, 250]) {
    it(`finds each of 2,000 entries with names of ${nameLength} bytes`, () => {
      const names = Array.from({ length: 2000 }, (_, index) => `${index}`.padStart(nameLength, 'x'));
      const image = open(encode(directory(names.map((name) => file(name)))));
      assert.ok(image.root.index.count > 0);
      for (const name of names) assert.equal(image.lookup(name)?.kind, 'file');
      for (const name of ['0', 'y', 'x'.repeat(nameLength - 1)]) assert.equal(image.lookup(name), undefined);
      assert.deepEqual(
        [...image.readDirectory(image.root)].map((entry) => entry.name.toString()),
        names.toSorted(),
      );
    });
  }

  it('has one inode for the names of a hard link, wherever they are', () => {
    const other = {
      name: Buffer.from('deep'),
      node: directory([file('second', { link: 1 }), file('third', { link: 1 })]),
    };
    const padding = Array.from({ length: 40_000 }, (_, index) => file(`p${index}`));
    const root = directory([
      file('first', { link: 1 }),
      other,
      { name: Buffer.from('wide'), node: directory(padding) },
      file('z', { link: 1 }),
    ]);
    const image = open(encode(root));
    const inodes = ['first', 'deep/second', 'deep/third', 'z'].map((path) => image.lookup(path));
    assert.equal(inodes[0]?.nlink, 4);
    for (const inode of inodes) assert.deepEqual(inode, inodes[0]);
    assert.equal(image.lookup('p1'), undefined);
    assert.equal(image.lookup('wide/p39999')?.nlink, 1);
    assert.equal(image.superblock.inodeCount, 40_000 + 4);
  });

  it('counts a directory by its subdirectories', () => {
    const root = directory([
      { name: Buffer.from('a'), node: directory([]) },
      { name: Buffer.from('b'), node: directory([]) },
      file('c'),
    ]);
    assert.equal(open(encode(root)).root.nlink, 4);
  });

  it('can be as deep as a path is long', () => {
    let root = directory([file('f')]);
    for (let depth = 0; depth < 2047; depth++) root = directory([{ name: Buffer.from('d'), node: root }]);
    const image = open(encode(root));
    assert.equal(image.lookup(`${'d/'.repeat(2047)}f`)?.kind, 'file');
  });

  it('has times that squashfs has room for', () => {
    const image = open(encode(directory([file('early', { mtimeSec: -5 }), file('late', { mtimeSec: 2 ** 40 })])));
    assert.equal(image.lookup('early')?.mtimeSec, 0);
    assert.equal(image.lookup('late')?.mtimeSec, 0xffff_ffff);
  });

  it('keeps sizes beyond 4 GiB', () => {
    const sizeBytes = 2 ** 32 + 5;
    const image = open(encode(directory([file('large', { content: sizeBytes })]), { blockSizeBytes: 2 ** 20 }));
    const inode = image.lookup('large');
    assert.ok(inode?.kind === 'file');
    assert.equal(inode.sizeBytes, sizeBytes);
    assert.deepEqual(image.readFileRange(inode, 2 ** 32, 100), Buffer.alloc(5));
  });

  it('keeps places beyond 4 GiB', () => {
    const firstBlock = 2 ** 33 + 7;
    const bytes = encode(directory([file('far', { content: 100 })]), {
      placeOf: (content) => ({ sizeBytes: content, firstBlock, sizeWords: [50], fragment: undefined }),
    });
    const inode = open(bytes).lookup('far');
    assert.ok(inode?.kind === 'file');
    assert.equal(inode.firstBlock, firstBlock);
  });

  it('is refused with what has no place in it', () => {
    const owners = Array.from({ length: 65_536 }, (_, index) => file(`${index}`, { uid: index, gid: 0 }));
    for (const root of [
      directory([file('')]),
      directory([file('..')]),
      directory([file('a/b')]),
      directory([file('x'.repeat(256))]),
      directory([file('twice'), file('twice')]),
      directory([{ name: Buffer.from('s'), node: { kind: 'symlink', ...attributes, target: Buffer.alloc(0) } }]),
      directory([file('x', { xattrs: [{ name: 'system.posix_acl_access', value: Buffer.alloc(1) }] })]),
      directory([file('x', { xattrs: [{ name: 'user.', value: Buffer.alloc(1) }] })]),
      directory(owners),
    ]) {
      assert.throws(
        () => encode(root, { compress: (block) => block }),
        (error) => hasCode(error, 'squashfs-not-encodable'),
      );
    }
  });

  it('can be compressed by any means that the reader is told of', () => {
    const bytes = encode(directory([file('a')]), { compress: (block) => deflateSync(block) });
    // The compression's number in the superblock.
    bytes.writeUInt16LE(1, 20);
    assert.equal(open(bytes).lookup('a')?.kind, 'file');
  });
});
