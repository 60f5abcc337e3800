// SPDX-License-Identifier: Apache-2.0
// Images put together from packs.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { openSquashfs, type TreeEntry } from '../../formats/squashfs/index.ts';
import { hasCode } from '../../model/index.ts';
import { createBlockCompressor, createPackWriter, createSquashfsWriter, openPack, type Pack } from './index.ts';

const work = mkdtempSync(`${tmpdir()}/squashfs-pack-`);
after(() => rmSync(work, { recursive: true, force: true }));
const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSec: 0 };
const blockSizeBytes = 4096;
const common = {
  compressor: { compression: 'zstd', level: 3 },
  blockSizeBytes,
  parallelism: 2,
  signal: new AbortController().signal,
} as const;
const blocks = createBlockCompressor(common.compressor, { blockSizeBytes, parallelism: 2 });
after(() => blocks.close());
let files = 0;

/** A pack of these contents, whose numbers are their places in the list. */
async function pack(contents: readonly Buffer[], notes: Buffer = Buffer.alloc(0)): Promise<string> {
  const path = `${work}/${files++}.pack`;
  await using writer = await createPackWriter({ path, blocks, blockSizeBytes, signal: common.signal });
  for (const content of contents) {
    writer.contents.begin();
    writer.contents.write(content);
    writer.contents.end();
    await writer.contents.drain();
  }
  await writer.finish(notes);
  return path;
}

type Wanted = { readonly path: string; readonly wanted: readonly number[] };

/** An image of what is wanted from each pack, then of `more`; returns its bytes and all contents as they are read back. */
async function assemble(
  packs: readonly Wanted[],
  more: readonly Buffer[] = [],
): Promise<{ readonly bytes: Buffer; readonly contents: readonly Buffer[] }> {
  const path = `${work}/${files++}.squashfs`;
  const entries: TreeEntry[] = [];
  const add = (content: number): void => {
    entries.push({ name: Buffer.from(`${entries.length}`), node: { kind: 'file', ...attributes, content } });
  };
  {
    await using writer = await createSquashfsWriter({ ...common, path });
    for (const { path: packPath, wanted } of packs) {
      await using opened = await openPack(packPath);
      const numberOf = await writer.contents.adopt(opened, wanted);
      for (const content of wanted) add(numberOf(content));
    }
    for (const content of more) {
      writer.contents.begin();
      writer.contents.write(content);
      add(writer.contents.end());
      await writer.contents.drain();
    }
    await writer.finish({ kind: 'directory', ...attributes, children: () => entries }, 0);
  }
  const bytes = readFileSync(path);
  const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
  const image = openSquashfs({ image: path, read, sizeBytes: bytes.length });
  const contents = entries.map((_, index) => {
    const inode = image.lookup(`${index}`);
    assert.ok(inode?.kind === 'file');
    return image.readFile(inode, 1 << 24);
  });
  return { bytes, contents };
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

const recipeArbitrary = fc.record({
  kind: fc.constantFrom('zeros', 'text', 'noise'),
  length: fc.oneof(fc.nat({ max: 20_000 }), fc.nat({ max: 300 })),
  seed: fc.nat({ max: 5 }),
});
const packArbitrary = fc.array(fc.record({ recipe: recipeArbitrary, isWanted: fc.boolean() }), { maxLength: 30 });

function cook({
  kind,
  length,
  seed,
}: {
  readonly kind: string;
  readonly length: number;
  readonly seed: number;
}): Buffer {
  return kind === 'noise' ? noise(length, seed) : Buffer.alloc(length, kind === 'zeros' ? 0 : `some ${seed} text `);
}

describe('an image put together from packs', () => {
  it('has the contents that were wanted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(packArbitrary, { maxLength: 3 }),
        fc.array(recipeArbitrary, { maxLength: 3 }),
        async (packs, more) => {
          const given: Wanted[] = [];
          const expected: Buffer[] = [];
          for (const items of packs) {
            const contents = items.map(({ recipe }) => cook(recipe));
            const wanted = items.flatMap(({ isWanted }, index) => (isWanted ? [index] : []));
            given.push({ path: await pack(contents), wanted });
            expected.push(...wanted.map((index) => contents[index] ?? assert.fail()));
          }
          const added = more.map(cook);
          assert.deepEqual((await assemble(given, added)).contents, [...expected, ...added]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is the same as one written directly when all is wanted', async () => {
    const contents = [noise(30_000, 1), Buffer.alloc(9000, 'text'), noise(100, 2), Buffer.alloc(5), noise(30_000, 1)];
    const packed = await assemble([{ path: await pack(contents), wanted: [0, 1, 2, 3, 4] }]);
    const direct = await assemble([], contents);
    assert.ok(packed.bytes.equals(direct.bytes));
  });

  it('is the same when what was written twice had reached the disk', async () => {
    // Long enough to be written before it turns out to be there already, and last, so that padding follows it.
    const long = noise(3_000_000, 7);
    const contents = [long, noise(5000, 8), long, Buffer.concat([noise(2_999_999, 7), Buffer.from('x')]), long];
    const packed = await assemble([{ path: await pack(contents), wanted: [0, 1, 2, 3, 4] }]);
    const direct = await assemble([], contents);
    assert.deepEqual(direct.contents, contents);
    assert.ok(packed.bytes.equals(direct.bytes));
    assert.ok(packed.bytes.length < 6_100_000);
  });

  it('has the blocks once that stand in several packs', async () => {
    const long = noise(3_000_000, 7);
    // As long, compressed to as much, and yet another.
    const alike = Buffer.from(long);
    alike.writeUInt8(alike.readUInt8(1_500_000) ^ 1, 1_500_000);
    const contents = [Buffer.alloc(9000, 'text'), long, noise(5000, 8)];
    const [one, other] = [await pack(contents), await pack([noise(40, 3), alike, noise(7000, 4), long])];
    const given = [
      { path: one, wanted: [0, 1, 2] },
      { path: other, wanted: [0, 1, 3, 2] },
      { path: one, wanted: [1] },
    ];
    const image = await assemble(given);
    assert.deepEqual(image.contents, [...contents, noise(40, 3), alike, long, noise(7000, 4), long]);
    assert.ok(image.bytes.length > 6_000_000 && image.bytes.length < 6_100_000);
    assert.ok((await assemble(given)).bytes.equals(image.bytes));
  });

  it('does not carry what is not wanted', async () => {
    const path = await pack([
      noise(400_000, 1),
      noise(8, 2),
      ...Array.from({ length: 300 }, (_, i) => noise(900, i + 3)),
    ]);
    const { bytes } = await assemble([{ path, wanted: [1, 100] }]);
    assert.equal(bytes.length, 4096);
  });
});

describe('a pack', () => {
  it('gives the notes back', async () => {
    const notes = noise(100_000, 1);
    await using opened: Pack = await openPack(await pack([Buffer.from('x')], notes));
    assert.deepEqual(opened.notes, notes);
    assert.equal(opened.contents.count(), 1);
  });

  it('is refused when its header or table is damaged, or it is cut short', async () => {
    const path = await pack([noise(10_000, 1), noise(50, 2)], noise(500, 3));
    const bytes = readFileSync(path);
    const tableAt = Number(bytes.readBigUInt64LE(16));
    const damaged = `${work}/damaged`;
    const places = [...Array.from({ length: 64 }, (_, index) => index), tableAt, tableAt + 50, bytes.length - 1];
    for (const place of places) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 0x55;
      writeFileSync(damaged, changed);
      await assert.rejects(openPack(damaged), (error) => hasCode(error, 'layer-pack-damaged'), `byte ${place}`);
    }
    for (const length of [0, 10, 64, tableAt, bytes.length - 1]) {
      writeFileSync(damaged, bytes.subarray(0, length));
      await assert.rejects(openPack(damaged), (error) => hasCode(error, 'layer-pack-damaged'));
    }
  });
});
