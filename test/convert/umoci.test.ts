// SPDX-License-Identifier: Apache-2.0
// The merge against umoci: the same layers, unpacked by umoci to a directory and converted by us to an image, must be
// the same tree, entry by entry.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, test } from 'node:test';
import { makeMember, writeArchive } from '../../src/formats/tar/archive.test-helper.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import {
  type Layer,
  convert,
  differences,
  dir,
  file,
  hardlink,
  listByUmoci,
  listImage,
  symlink,
  writeLayerFile,
} from './conversion.ts';

const skip = needs({ commands: ['umoci', 'unsquashfs'], root: true });

const images: Readonly<Record<string, readonly Layer[]>> = {
  'plain': [
    [dir('./'), dir('./bin'), file('./bin/sh', '#!', 0o755), symlink('./bin/bash', 'sh'), dir('./empty', 0o700)],
  ],
  'whiteouts and opaque directories': [
    [
      dir('a'),
      file('a/1', 'one'),
      file('a/2', 'two'),
      dir('b'),
      file('b/3', 'three'),
      dir('b/c'),
      file('b/c/4', 'four'),
    ],
    [file('a/.wh.1'), dir('b'), file('b/.wh..wh..opq'), file('b/5', 'five'), dir('b/c'), file('b/c/6', 'six')],
    [file('new', 'x'), file('.wh.a')],
  ],
  'whiteouts after what they must leave': [
    [dir('d'), file('d/old', 'old'), dir('d/sub'), file('d/sub/old', 'old')],
    [dir('d'), file('d/new', 'new'), dir('d/sub'), file('d/sub/new', 'new'), file('d/.wh..wh..opq'), file('.wh.d')],
  ],
  'hard links within and across layers': [
    [file('one', 'content'), hardlink('two', 'one'), dir('d'), hardlink('d/three', './two')],
    [hardlink('d/four', '/one'), file('one', 'another')],
    [file('.wh.two')],
  ],
  'kinds that change': [
    [dir('x'), file('x/in', 'in'), file('y', 'file'), symlink('z', 'y'), dir('w')],
    [file('x', 'now a file'), dir('y'), file('y/in', 'in'), dir('z'), file('z/in', 'in'), symlink('w', 'y')],
  ],
  'entries through symlinks': [
    [dir('real'), symlink('link', 'real'), symlink('absolute', '/real/deep'), symlink('up', '../../../real')],
    [file('link/a', 'a'), file('absolute/b', 'b'), file('up/c', 'c'), file('link/.wh.none')],
  ],
  'names, modes and owners': [
    [
      file('latin-\xe9-\xff', 'bytes'),
      file('new\nline', 'x'),
      file('n'.repeat(255), 'long'),
      file(`${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(90)}`, 'deep'),
      file('setuid', 'x', 0o6755),
      dir('sticky', 0o1777),
      symlink('long', 't'.repeat(1000)),
      makeMember({ path: 'owned', uid: 4_000_000_000, gid: 65_534, mtimeSec: 2 ** 31 + 5 }),
      makeMember({ path: 'fifo', type: 'fifo', mtimeSec: 9 }),
    ],
  ],
  'names that try to leave': [[dir('a'), file('/absolute', 'x'), file('a/../b', 'x'), hardlink('c', '/a/../b')]],
  'contents around block boundaries': [
    [0, 1, 511, 512, 513, 131_071, 131_072, 131_073, 1_048_576, 3_000_001].map((size) =>
      file(`size-${size}`, Buffer.alloc(size, String(size))),
    ),
  ],
};

describe('converted layers are the tree that umoci unpacks', { skip }, () => {
  for (const [name, layers] of Object.entries(images)) {
    test(name, async () => {
      const directory = temporaryDirectory();
      const expected = await listByUmoci(layers, join(directory, 'umoci'));
      const files = layers.map((layer) => writeLayerFile(directory, writeArchive(layer), gzipSync));
      const { path, entries } = await convert(directory, files);
      const actual = await listImage(path, join(directory, 'ours'));
      assert.deepEqual(differences(expected ?? assert.fail('umoci refuses it'), actual), []);
      assert.equal(entries, actual.size + 1);
    });
  }

  test('in random images as well, or both refuse them', async () => {
    const directory = temporaryDirectory();
    const tally = { same: 0, refused: 0 };
    for (let seed = 1; seed <= 24; seed += 1) {
      const here = join(directory, String(seed));
      const layers = randomImage(seed);
      const expected = await listByUmoci(layers, here);
      const files = layers.map((layer) => writeLayerFile(here, writeArchive(layer)));
      if (expected === undefined) {
        await assert.rejects(convert(here, files), { code: 'layer-entry-refused' }, `seed ${seed}`);
        tally.refused += 1;
      } else {
        const { path } = await convert(here, files);
        assert.deepEqual(differences(expected, await listImage(path, join(here, 'ours'))), [], `seed ${seed}`);
        tally.same += 1;
      }
    }
    assert.ok(tally.same >= 10, `too few images say anything: ${JSON.stringify(tally)}`);
  });
});

/** Few names, so that entries meet: files, directories, links of both kinds and whiteouts over each other. */
function randomImage(seed: number): readonly Layer[] {
  let state = seed * 7919;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const one = <Value>(values: readonly [Value, ...Value[]]): Value => values[below(values.length)] ?? values[0];
  const files: string[] = [];
  const directory = (): string => `${one(['a', 'b'])}${below(2) === 0 ? '' : `/${one(['a', 'b'])}`}`;
  const path = (): string => `${below(4) === 0 ? '' : `${directory()}/`}${one(['f', 'g', 'h'])}`;
  const member = (index: number): Layer[number] => {
    switch (below(10)) {
      case 0:
      case 1:
        return dir(directory(), one([0o755, 0o700]));
      case 2: {
        const target = one(['a', '/b', '../b', '/a/b', 'nowhere', '.', '../../..']);
        return symlink(below(3) === 0 ? directory() : path(), target);
      }
      case 3: {
        const target = files[below(files.length)];
        const name = path();
        if (target === undefined || target === name) return file(name, `alone ${index}`);
        return hardlink(name, target);
      }
      case 4:
        return file(path().replace(/[^/]+$/, '.wh.$&'));
      case 5:
        return file(`${directory()}/.wh..wh..opq`);
      default: {
        const name = path();
        files.push(name);
        return file(name, `content ${seed} ${index}`, one([0o644, 0o4755]));
      }
    }
  };
  return Array.from({ length: 1 + below(3) }, () => Array.from({ length: 1 + below(7) }, (_, index) => member(index)));
}
