// SPDX-License-Identifier: Apache-2.0
// Images with changed bytes: whatever they claim, reading ends, and ends with an answer or with a SlipwayError.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  checkIntegrity,
  openSquashfs,
  type StoredBlock,
  uncompressedDataBit,
} from '../../src/formats/squashfs/index.ts';
import { hasCode, SlipwayError } from '../../src/model/index.ts';
import { needs } from '../support/needs.ts';
import { noise } from './sample-tree.ts';

const skip = needs({ commands: ['mksquashfs', 'setfattr'] });
const work = mkdtempSync(`${tmpdir()}/squashfs-hostile-`);
const images: { readonly name: string; readonly bytes: Buffer }[] = [];
const maxFileBytes = 1 << 20;

before(() => {
  if (skip !== false) return;
  const tree = `${work}/tree`;
  mkdirSync(`${tree}/a/b/c`, { recursive: true });
  mkdirSync(`${tree}/many`);
  for (let index = 0; index < 300; index++) writeFileSync(`${tree}/many/${'n'.repeat(40)}${index}`, '');
  writeFileSync(`${tree}/text`, 'a line\n'.repeat(3000));
  writeFileSync(`${tree}/a/noise`, noise(10_000, 3));
  writeFileSync(`${tree}/a/b/holes`, Buffer.concat([noise(10, 5), Buffer.alloc(40_000)]));
  symlinkSync('../b/holes', `${tree}/a/b/link`);
  symlinkSync('a/b/../b/link', `${tree}/start`);
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'value', `${tree}/text`]);
  for (const options of [
    ['-comp', 'gzip', '-noI', '-noX'],
    ['-comp', 'lz4'],
    ['-comp', 'zstd'],
  ]) {
    const path = `${work}/image`;
    const always = [tree, path, '-noappend', '-no-progress', '-quiet', '-b', '4096', '-nopad'];
    execFileSync('mksquashfs', [...always, ...options]);
    images.push({ name: options.join(' '), bytes: readFileSync(path) });
  }
});
after(() => rmSync(work, { recursive: true, force: true }));

/** Reads all there is, and returns how many bytes were asked for. */
function readEverything(bytes: Buffer): number {
  let requested = 0;
  const read = (offset: number, length: number): Buffer => {
    assert.ok(offset >= 0 && length >= 0 && length <= maxFileBytes + 8192, `a read of ${length} at ${offset}`);
    requested += length;
    return bytes.subarray(offset, offset + length);
  };
  const image = openSquashfs({ image: 'test', read, sizeBytes: bytes.length });
  image.lookup('/start');
  image.lookup(`/many/${'n'.repeat(40)}77`);
  for (const { inode } of image.walk()) {
    image.readXattrs(inode);
    if (inode.kind === 'file' && inode.sizeBytes <= maxFileBytes) image.readFile(inode, maxFileBytes);
    if (inode.kind === 'file') image.readFileRange(inode, 5000, 5000);
  }
  let checkedBytes = 0;
  for (const progress of checkIntegrity(image)) ({ checkedBytes } = progress);
  assert.ok(checkedBytes <= bytes.length);
  return requested;
}

describe('an image with changed bytes', { skip }, () => {
  it('is read whole when none is changed', () => {
    assert.equal(images.length, 3);
    for (const { bytes } of images) readEverything(bytes);
  });

  it('gives answers or a SlipwayError, with bounded work', () => {
    const change = fc.record({
      // Tables are at the end, and there the damage does most; the superblock is at the start.
      place: fc.oneof(
        fc.nat({ max: 95 }),
        fc.nat({ max: 5000 }).map((fromEnd) => -1 - fromEnd),
        fc.nat(),
      ),
      value: fc.oneof(
        fc.constantFrom(Buffer.from([0]), Buffer.from([0xff]), Buffer.alloc(4, 0xff), Buffer.alloc(8, 0xff)),
        fc.uint8Array({ minLength: 1, maxLength: 8 }).map((value) => Buffer.from(value)),
      ),
    });
    fc.assert(
      fc.property(fc.nat({ max: 2 }), fc.array(change, { minLength: 1, maxLength: 4 }), (which, changes) => {
        const bytes = Buffer.from(images[which]?.bytes ?? assert.fail());
        for (const { place, value } of changes) {
          const offset = place < 0 ? Math.max(0, bytes.length + place) : place % bytes.length;
          value.copy(bytes, offset);
        }
        try {
          assert.ok(readEverything(bytes) < 400 * maxFileBytes);
        } catch (error) {
          if (!(error instanceof SlipwayError)) throw error;
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('is found out in each of its blocks, where the compression has checksums', () => {
    const bytes = images[0]?.bytes ?? assert.fail();
    const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
    const image = openSquashfs({ image: 'test', read, sizeBytes: bytes.length });
    const blocks: StoredBlock[] = Array.from({ length: image.superblock.fragmentCount }, (_, index) =>
      image.fragmentAt(index),
    );
    for (const { inode } of image.walk()) if (inode.kind === 'file') blocks.push(...image.data.blocksOf(inode));
    // What does not compress is stored as it is, and any bytes are right there.
    const compressed = blocks.filter(({ sizeWord }) => sizeWord !== 0 && sizeWord < uncompressedDataBit);
    assert.ok(compressed.length > 5);
    for (const { start, sizeWord } of compressed) {
      for (const offset of [start, start + (sizeWord >> 1), start + sizeWord - 1]) {
        const original = bytes[offset] ?? 0;
        bytes[offset] = original ^ 0xff;
        assert.throws(
          () => readEverything(bytes),
          (error) => hasCode(error, 'squashfs-damaged'),
        );
        bytes[offset] = original;
      }
    }
  });

  it('gives answers or a SlipwayError when it is cut short', () => {
    for (const { bytes } of images) {
      for (let length = 0; length < bytes.length; length += 97) {
        assert.throws(() => readEverything(bytes.subarray(0, length)), SlipwayError);
      }
    }
  });
});
