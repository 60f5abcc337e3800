// SPDX-License-Identifier: Apache-2.0
// Contents to blocks: where they go, what is stored once, and that timing decides nothing.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { openSquashfs, type SquashfsImage, type TreeEntry } from '../../formats/squashfs/index.ts';
import { createSquashfsWriter, type SquashfsWriterOptions } from './index.ts';

const work = mkdtempSync(`${tmpdir()}/squashfs-writer-`);
after(() => rmSync(work, { recursive: true, force: true }));
const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSec: 0 };
const blockSizeBytes = 4096;
let images = 0;

/** Writes files called 0, 1, 2, … with these contents, each fed in pieces of `pieceBytes`; returns the image's bytes. */
async function write(
  contents: readonly Buffer[],
  options: Partial<SquashfsWriterOptions> & { readonly pieceBytes?: number } = {},
): Promise<Buffer> {
  const path = options.path ?? `${work}/${images++}`;
  await using writer = await createSquashfsWriter({
    path,
    compressor: { compression: 'zstd', level: 3 },
    blockSizeBytes,
    parallelism: 3,
    signal: new AbortController().signal,
    ...options,
  });
  const entries: TreeEntry[] = [];
  for (const [index, content] of contents.entries()) {
    writer.contents.begin();
    const piece = options.pieceBytes ?? 1000;
    for (let at = 0; at < content.length; at += piece) {
      const chunk = Buffer.from(content.subarray(at, at + piece));
      writer.contents.write(chunk);
      // It was copied: what the caller does with its buffer is nobody's business.
      chunk.fill(0xee);
    }
    entries.push({
      name: Buffer.from(`${index}`),
      node: { kind: 'file', ...attributes, content: writer.contents.end() },
    });
    await writer.contents.drain();
  }
  const { sizeBytes } = await writer.finish({ kind: 'directory', ...attributes, children: () => entries }, 0);
  assert.equal(statSync(path).size, sizeBytes);
  return readFileSync(path);
}

function open(bytes: Buffer): SquashfsImage {
  const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
  return openSquashfs({ image: 'test', read, sizeBytes: bytes.length });
}

function contentsOf(bytes: Buffer, count: number): Buffer[] {
  const image = open(bytes);
  return Array.from({ length: count }, (_, index) => {
    const inode = image.lookup(`${index}`);
    assert.ok(inode?.kind === 'file');
    return image.readFile(inode, 1 << 24);
  });
}

function noise(lengthBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let state = seed;
  for (let index = 0; index < lengthBytes; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** What a content is made of: runs of noise, text and zeros, so that blocks are of each sort, and equal ones come up. */
type Recipe = readonly { readonly kind: 'zeros' | 'text' | 'noise'; readonly length: number; readonly seed: number }[];
const recipesArbitrary: fc.Arbitrary<Recipe[]> = fc.array(
  fc.array(
    fc.record({
      kind: fc.constantFrom('zeros', 'text', 'noise'),
      length: fc.nat({ max: 9000 }),
      seed: fc.nat({ max: 3 }),
    }),
    { maxLength: 4 },
  ),
  { maxLength: 12 },
);

function cook(recipes: readonly Recipe[]): Buffer[] {
  return recipes.map((recipe) =>
    Buffer.concat(
      recipe.map(({ kind, length, seed }) =>
        kind === 'noise' ? noise(length, seed) : Buffer.alloc(length, kind === 'zeros' ? 0 : `some ${seed} text `),
      ),
    ),
  );
}

describe('a written image', () => {
  for (const [compressor, numRuns] of [
    [{ compression: 'zstd', level: 3 }, 40],
    [{ compression: 'gzip', level: 6 }, 40],
    // Each run starts threads.
    [{ compression: 'lz4', level: 0 }, 5],
  ] as const) {
    it(`has the contents it was given, compressed with ${compressor.compression}`, async () => {
      await fc.assert(
        fc.asyncProperty(recipesArbitrary, fc.integer({ min: 1, max: 20_000 }), async (recipes, pieceBytes) => {
          const contents = cook(recipes);
          const bytes = await write(contents, { compressor, pieceBytes });
          assert.deepEqual(contentsOf(bytes, contents.length), contents);
        }),
        { numRuns },
      );
    });
  }

  it('is the same however the contents come and however many blocks are compressed at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        recipesArbitrary,
        fc.integer({ min: 100, max: 20_000 }),
        fc.integer({ min: 1, max: 4 }),
        async (recipes, pieceBytes, parallelism) => {
          const contents = cook(recipes);
          const bytes = await write(contents, { pieceBytes, parallelism });
          assert.ok(bytes.equals(await write(contents)));
        },
      ),
      { numRuns: 25 },
    );
  });

  for (const level of [3, 6, 12]) {
    it(`is the same with large blocks at level ${level}, whatever was compressed before`, async () => {
      const pieces = Array.from({ length: 8 }, (_, index) =>
        Buffer.concat([noise(index * 30_000, index), Buffer.alloc(600_000 - index * 60_000, `${index} and text `)]),
      );
      const options = { blockSizeBytes: 2 ** 19, compressor: { compression: 'zstd', level } } as const;
      const first = await write(pieces, { ...options, parallelism: 1 });
      const second = await write(pieces, { ...options, parallelism: 4 });
      assert.ok(first.equals(second));
    });
  }

  it('stores equal contents once', async () => {
    const once = [noise(20_000, 1), noise(5 * blockSizeBytes, 2), noise(100, 3)];
    const single = open(await write(once));
    const double = open(await write([...once, ...once]));
    assert.equal(double.superblock.inodeTable, single.superblock.inodeTable);
    assert.deepEqual(contentsOf(await write([...once, ...once]), 6), [...once, ...once]);
  });

  it('stores the blocks once of contents that differ in their ends', async () => {
    const run = noise(8 * blockSizeBytes, 1);
    const contents = [run, Buffer.concat([run, Buffer.from('a')]), Buffer.concat([run, Buffer.from('b')])];
    const bytes = await write(contents);
    assert.ok(open(bytes).superblock.inodeTable < 10 * blockSizeBytes);
    assert.deepEqual(contentsOf(bytes, 3), contents);
  });

  it('has holes where there are only zeros', async () => {
    const contents = [
      Buffer.alloc(50 * blockSizeBytes + 10),
      Buffer.concat([Buffer.alloc(blockSizeBytes), noise(9, 1)]),
    ];
    const bytes = await write(contents);
    assert.ok(open(bytes).superblock.inodeTable < 300);
    assert.deepEqual(contentsOf(bytes, 2), contents);
  });

  it('takes holes as numbers', async () => {
    const path = `${work}/holes`;
    const before = noise(5000, 1);
    {
      await using writer = await createSquashfsWriter({
        path,
        compressor: { compression: 'zstd', level: 3 },
        blockSizeBytes: 2 ** 17,
        parallelism: 1,
        signal: new AbortController().signal,
      });
      writer.contents.begin();
      writer.contents.write(before);
      writer.contents.addZeros(6 * 2 ** 30);
      writer.contents.write(Buffer.from('end'));
      const content = writer.contents.end();
      const entry = { name: Buffer.from('0'), node: { kind: 'file', ...attributes, content } } as const;
      await writer.finish({ kind: 'directory', ...attributes, children: () => [entry] }, 0);
    }
    const image = open(readFileSync(path));
    const inode = image.lookup('0');
    assert.ok(inode?.kind === 'file');
    assert.equal(inode.sizeBytes, 5000 + 6 * 2 ** 30 + 3);
    assert.deepEqual(image.readFileRange(inode, 0, 6000), Buffer.concat([before, Buffer.alloc(1000)]));
    assert.deepEqual(image.readFileRange(inode, inode.sizeBytes - 10, 100), Buffer.from('\0\0\0\0\0\0\0end'));
  });

  it('is not begun, or ended, after an abort', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(write([Buffer.from('x')], { signal }), /enough/);
  });

  it('is not written over a file that is there', async () => {
    await write([], { path: `${work}/there` });
    await assert.rejects(write([], { path: `${work}/there` }), { code: 'file-operation-failed' });
  });
});
