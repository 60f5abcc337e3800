// SPDX-License-Identifier: Apache-2.0
// Compares an image, read by us, with the directory it was made from, read by the kernel.
import assert from 'node:assert/strict';
import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { openSquashfs, type SquashfsImage } from '../../src/formats/squashfs/index.ts';
import { xzDecompressor } from '../../src/image/squashfs/index.ts';

/** Opens an image by path for the length of `use`. */
export function withImage<Result>(path: string, use: (image: SquashfsImage) => Result): Result {
  const descriptor = openSync(path, 'r');
  try {
    const read = (offset: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
    };
    const decompressors = { xz: xzDecompressor('/usr/bin/xz') };
    return use(openSquashfs({ image: path, read, sizeBytes: fstatSync(descriptor).size, decompressors }));
  } finally {
    closeSync(descriptor);
  }
}

const kindBits: Readonly<Record<string, number>> = {
  'socket': 0o14,
  'symlink': 0o12,
  'file': 0o10,
  'block-device': 0o6,
  'directory': 0o4,
  'character-device': 0o2,
  'fifo': 0o1,
};

/**
 * Fails unless `image` has exactly what is below `directory`, with content, owners, modes, links and times.
 * @param options.directoryLinks false where the image's writer counts them in its own way
 */
export function assertSameTree(
  image: SquashfsImage,
  directory: string,
  options: { readonly directoryLinks?: boolean } = {},
): void {
  const paths = new Map<string, Buffer>();
  const collect = (relative: Buffer): void => {
    const here = Buffer.concat([Buffer.from(directory), relative]);
    for (const name of readdirSync(here, { encoding: 'buffer' })) {
      const path = Buffer.concat([relative, Buffer.from('/'), name]);
      paths.set(path.toString('latin1'), path);
      if (lstatSync(Buffer.concat([here, Buffer.from('/'), name])).isDirectory()) collect(path);
    }
  };
  collect(Buffer.alloc(0));

  const seen = new Set<string>();
  const inodeNumbers = new Map<number, number>();
  for (const { path, inode } of image.walk()) {
    const shown = path.toString('latin1');
    seen.add(shown);
    const real = Buffer.concat([Buffer.from(directory), path]);
    const stat = lstatSync(real);
    const direct = image.lookup(path, { followLast: false });
    assert.deepEqual(direct, inode, `lookup of ${shown} finds what the walk finds`);
    assert.equal(kindBits[inode.kind], stat.mode >> 12, `kind of ${shown}`);
    assert.equal(inode.mode, stat.mode & 0o7777, `mode of ${shown}`);
    assert.deepEqual([inode.uid, inode.gid], [stat.uid, stat.gid], `owner of ${shown}`);
    assert.equal(inode.mtimeSec, Math.floor(stat.mtimeMs / 1000), `mtime of ${shown}`);
    if (inode.kind !== 'directory' || options.directoryLinks !== false) {
      assert.equal(inode.nlink, stat.nlink, `links of ${shown}`);
    }
    const firstInode = inodeNumbers.get(stat.ino) ?? inode.inodeNumber;
    assert.equal(inode.inodeNumber, firstInode, `hard links of ${shown} share an inode`);
    inodeNumbers.set(stat.ino, firstInode);
    if (inode.kind === 'file') {
      assert.equal(inode.sizeBytes, stat.size, `size of ${shown}`);
      const content = readFileSync(real);
      assert.ok(image.readFile(inode, stat.size).equals(content), `content of ${shown}`);
      const from = Math.floor(stat.size / 3);
      const range = image.readFileRange(inode, from, 5000);
      assert.ok(range.equals(content.subarray(from, from + 5000)), `a range of ${shown}`);
    } else if (inode.kind === 'symlink') {
      assert.deepEqual(inode.target, readlinkSync(real, { encoding: 'buffer' }), `target of ${shown}`);
    } else if (inode.kind === 'block-device' || inode.kind === 'character-device') {
      const minor = (stat.rdev & 0xff) | ((stat.rdev >>> 12) & 0xfff00);
      assert.deepEqual([inode.major, inode.minor], [(stat.rdev >>> 8) & 0xfff, minor], `device of ${shown}`);
    }
  }
  assert.deepEqual([...seen].sort(), [...paths.keys()].sort());
}
