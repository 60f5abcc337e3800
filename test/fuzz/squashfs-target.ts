// SPDX-License-Identifier: Apache-2.0
// Squashfs images with damaged tables. The metadata are stored as they are, so that damage reaches what it says and not only
// its compression. Held: reading everything ends, asks for no more than there is reason for, and says what is wrong.
import assert from 'node:assert/strict';
import { checkIntegrity, encodeTree, openSquashfs, type TreeEntry } from '../../src/formats/squashfs/index.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';
import { checkMessage, type FuzzTarget, parse } from './target.ts';

const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSec: 0 };
const blockSizeBytes = 4096;
const data = Buffer.alloc(3 * blockSizeBytes, 'data ');
const dataStart = 96;
const maxFileBytes = 1 << 20;

export const squashfsTarget: FuzzTarget = {
  name: 'squashfs',
  attempt(random) {
    const whole = sample(random);
    // Not in the data, of which all is as good as any.
    const tables = mutate(whole.subarray(dataStart + data.length), random, 1 + random.below(4));
    const head = random.chance(0.3)
      ? mutate(whole.subarray(0, dataStart), random, 1).subarray(0, dataStart)
      : whole.subarray(0, dataStart);
    const image = Buffer.concat([head, data, tables]);
    let requests = 0;
    const read = (offset: number, length: number): Buffer => {
      requests += 1;
      assert.ok(requests < 200_000, 'it is read without end');
      assert.ok(offset >= 0 && length >= 0 && length <= maxFileBytes + 8192, `a read of ${length} at ${offset}`);
      return image.subarray(offset, offset + length);
    };
    const answer = parse(
      [
        'squashfs-damaged',
        'squashfs-unrecognized',
        'squashfs-compression-unsupported',
        'squashfs-file-too-large',
        'squashfs-symlink-loop',
      ],
      () => {
        const opened = openSquashfs({ image: 'test', read, sizeBytes: image.length });
        opened.lookup('/directory/link');
        for (const progress of checkIntegrity(opened)) assert.ok(progress.checkedBytes <= progress.totalBytes);
        for (const { inode } of opened.walk())
          if (inode.kind === 'file' && inode.sizeBytes <= maxFileBytes) opened.readFile(inode, maxFileBytes);
      },
    );
    if (!('refusal' in answer)) return 'accepted';
    checkMessage(answer.refusal);
    return 'refused';
  },
};

function sample(random: Random): Buffer {
  const content = {
    sizeBytes: data.length - 100,
    firstBlock: dataStart,
    sizeWords: [4096, 4096].map((size) => size | 0x100_0000),
  };
  const file = (): TreeEntry['node'] => ({
    kind: 'file',
    ...attributes,
    content: 0,
    xattrs: [{ name: 'user.a', value: Buffer.from('b') }],
  });
  const many = Array.from({ length: random.below(300) }, (_, index) => ({
    name: Buffer.from(`${'n'.repeat(30)}${index}`),
    node: file(),
  }));
  const inner: TreeEntry[] = [
    { name: Buffer.from('link'), node: { kind: 'symlink', ...attributes, target: Buffer.from('../file') } },
    { name: Buffer.from('hard'), node: { kind: 'file', ...attributes, content: 0, link: 1 } },
    ...many,
  ];
  const entries: TreeEntry[] = [
    { name: Buffer.from('directory'), node: { kind: 'directory', ...attributes, children: () => inner } },
    { name: Buffer.from('file'), node: file() },
    { name: Buffer.from('hard'), node: { kind: 'file', ...attributes, content: 0, link: 1 } },
    { name: Buffer.from('pipe'), node: { kind: 'fifo', ...attributes } },
  ];
  const { superblock, tables } = encodeTree({
    root: { kind: 'directory', ...attributes, children: () => entries },
    placeOf: () => ({ ...content, fragment: { index: 0, offset: 0 } }),
    fragments: [{ start: dataStart + 8192, sizeWord: 4096 | 0x100_0000 }],
    dataEnd: dataStart + data.length,
    blockSizeBytes,
    compression: 'zstd',
    hasCompressorOptions: false,
    mkfsTimeSec: 0,
    compress: (block) => block,
  });
  return Buffer.concat([superblock, data, ...tables]);
}
