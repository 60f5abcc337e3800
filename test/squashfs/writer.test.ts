// SPDX-License-Identifier: Apache-2.0
// Our images, read by others: unsquashfs, Linux, squashfuse.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import {
  checkIntegrity,
  type SquashfsImage,
  type TreeDirectory,
  type TreeEntry,
  type TreeNode,
} from '../../src/formats/squashfs/index.ts';
import {
  type Compressor,
  createSquashfsWriter,
  type SquashfsWriter,
  xzCompressor,
} from '../../src/image/squashfs/index.ts';
import { needs } from '../support/needs.ts';
import { assertSameTree, withImage } from './compare-tree.ts';
import { makeSampleTree } from './sample-tree.ts';

const work = mkdtempSync(`${tmpdir()}/squashfs-writer-`);
const tree = `${work}/tree`;
after(() => rmSync(work, { recursive: true, force: true }));

/** Feeds a directory of this machine to a writer. */
async function collect(directory: string, writer: SquashfsWriter): Promise<TreeDirectory> {
  const contents = new Map<number, number>();
  const describeNode = async (path: Buffer): Promise<TreeNode> => {
    const stat = lstatSync(path);
    const common = {
      mode: stat.mode & 0o7777,
      uid: stat.uid,
      gid: stat.gid,
      mtimeSec: Math.floor(stat.mtimeMs / 1000),
      ...(stat.nlink > 1 ? { link: stat.ino } : {}),
    };
    if (stat.isDirectory()) {
      const entries: TreeEntry[] = [];
      for (const name of readdirSync(path, { encoding: 'buffer' })) {
        entries.push({ name, node: await describeNode(Buffer.concat([path, Buffer.from('/'), name])) });
      }
      const xattrs = path.toString() === `${directory}/etc` ? [{ name: 'user.k', value: Buffer.from('v') }] : [];
      return { ...common, kind: 'directory', xattrs, children: () => entries };
    }
    if (stat.isSymbolicLink())
      return { ...common, kind: 'symlink', target: readlinkSync(path, { encoding: 'buffer' }) };
    if (stat.isFIFO()) return { ...common, kind: 'fifo' };
    if (stat.isCharacterDevice() || stat.isBlockDevice()) {
      const kind = stat.isBlockDevice() ? 'block-device' : 'character-device';
      const minor = (stat.rdev & 0xff) | ((stat.rdev >>> 12) & 0xfff00);
      return { ...common, kind, major: (stat.rdev >>> 8) & 0xfff, minor };
    }
    assert.ok(stat.isFile());
    let content = contents.get(stat.ino);
    if (content === undefined) {
      writer.contents.begin();
      for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
        writer.contents.write(chunk);
        await writer.contents.drain();
      }
      content = writer.contents.end();
      contents.set(stat.ino, content);
    }
    return { ...common, kind: 'file', content };
  };
  const root = await describeNode(Buffer.from(directory));
  assert.ok(root.kind === 'directory');
  return root;
}

/** What lies between the superblock, with compressor options of 4 or 8 bytes where there are some, and the tables. */
function blockBytesOf({ superblock: { flags, compression, inodeTable } }: SquashfsImage): number {
  const optionsBytes = (flags & 0x400) === 0 ? 0 : ({ zstd: 6, gzip: 10, lz4: 10 }[compression as string] ?? 0);
  return inodeTable - 96 - optionsBytes;
}

type Shape = Compressor & { readonly blockKib: number };
const shapes: readonly Shape[] = [
  { compression: 'zstd', level: 3, blockKib: 128 },
  { compression: 'zstd', level: 15, blockKib: 1024 },
  { compression: 'zstd', level: 1, blockKib: 4 },
  { compression: 'gzip', level: 9, blockKib: 128 },
  { compression: 'gzip', level: 1, blockKib: 16 },
  { compression: 'lz4', level: 0, blockKib: 128 },
  { ...(await xzCompressor(6, '/usr/bin:/bin')), blockKib: 128 },
];
const imageOf = (shape: Shape): string => `${work}/${shape.compression}-${shape.level}-${shape.blockKib}`;

before(async () => {
  mkdirSync(tree);
  makeSampleTree(tree, 16 * 1024);
  for (const shape of shapes) {
    await using writer = await createSquashfsWriter({
      path: imageOf(shape),
      compressor: shape,
      blockSizeBytes: shape.blockKib * 1024,
      parallelism: 2,
      signal: new AbortController().signal,
    });
    await writer.finish(await collect(tree, writer), 1_600_000_000);
  }
});

/** Fails unless the two directories are alike in every name, byte, mode, owner, time and link. */
function assertSameDirectories(left: string, right: string): void {
  execFileSync('diff', [
    '--recursive',
    '--no-dereference',
    '--exclude=null',
    '--exclude=disk',
    '--exclude=pipe',
    left,
    right,
  ]);
  const list = (directory: string): string =>
    execFileSync(
      'sh',
      [
        '-c',
        'cd "$1" && find . ! -type d -printf "%p %y %m %U %G %s %T@ %n %l\\n" -o -printf "%p %y %m %U %G %n\\n" | sort',
        'sh',
        directory,
      ],
      {
        encoding: 'latin1',
        maxBuffer: 1 << 26,
      },
    ).replaceAll(/\.\d{10}/g, '');
  assert.equal(list(left), list(right));
}

for (const shape of shapes) {
  describe(`an image with ${shape.compression} ${shape.level}, blocks of ${shape.blockKib} KiB`, () => {
    it('is read by our reader', () => {
      withImage(imageOf(shape), (image) => {
        assertSameTree(image, tree);
        assert.equal(Array.from(checkIntegrity(image)).at(-1)?.checkedBytes, blockBytesOf(image));
        const etc = image.lookup('/etc');
        assert.ok(etc !== undefined);
        assert.deepEqual(image.readXattrs(etc), [{ name: 'user.k', value: Buffer.from('v') }]);
      });
    });

    it('is unpacked by unsquashfs', { skip: needs({ commands: ['unsquashfs'], root: true }) }, () => {
      const out = `${work}/unpacked`;
      execFileSync('unsquashfs', ['-quiet', '-no-progress', '-strict-errors', '-dest', out, imageOf(shape)], {
        stdio: 'pipe',
      });
      assertSameDirectories(tree, out);
      assert.match(
        execFileSync('getfattr', ['--absolute-names', '--only-values', '-n', 'user.k', `${out}/etc`], {
          encoding: 'utf8',
        }),
        /^v$/,
      );
      rmSync(out, { recursive: true });
    });

    it('is mounted by Linux', { skip: needs({ loopSquashfs: true }) }, () => {
      const at = `${work}/mounted`;
      mkdirSync(at, { recursive: true });
      execFileSync('mount', ['-t', 'squashfs', '-o', 'loop,ro', imageOf(shape), at]);
      try {
        assertSameDirectories(tree, at);
        assert.equal(
          execFileSync('getfattr', ['--absolute-names', '--only-values', '-n', 'user.k', `${at}/etc`], {
            encoding: 'utf8',
          }),
          'v',
        );
        const sparse = statSync(`${at}/sparse`);
        // 320 KiB, of which only the first 100 bytes are no hole.
        assert.equal(sparse.blocks < sparse.size / 512, shape.blockKib * 1024 < sparse.size);
      } finally {
        execFileSync('umount', [at]);
      }
    });

    it(
      'is mounted by squashfuse_ll',
      { skip: needs({ commands: ['squashfuse_ll'], fuse: true, root: true }) },
      async () => {
        const at = `${work}/fused`;
        mkdirSync(at, { recursive: true });
        chmodSync(work, 0o755);
        const fuse = spawn('squashfuse_ll', ['-f', imageOf(shape), at], { stdio: 'ignore' });
        try {
          while (!existsSync(`${at}/etc`)) {
            assert.equal(fuse.exitCode, null);
            await setTimeout(20);
          }
          assertSameDirectories(tree, at);
        } finally {
          execFileSync('umount', [at]);
          await new Promise((resolve) => (fuse.exitCode === null ? fuse.once('exit', resolve) : resolve(undefined)));
        }
      },
    );
  });
}
