// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDirectoryHandle } from '../../sys/directory-handle.ts';
import { type OpenDirectory, openTree } from './read-ahead.ts';

const top = mkdtempSync(join(tmpdir(), 'slipway-read-ahead-'));
after(() => rmSync(top, { recursive: true }));

// More entries than are looked at ahead, in directories within directories; contents around what is read of them then.
for (let directory = 0; directory < 40; directory++) {
  const path = join(top, `d${directory % 7}`, `e${directory}`, 'f');
  mkdirSync(path, { recursive: true });
  for (let file = 0; file < directory; file++) writeFileSync(join(path, `${file}`), `${directory} ${file} `.repeat(9));
  for (const size of [0, 65_535, 65_536, 65_537, 300_000])
    writeFileSync(join(path, `s${size}`), Buffer.alloc(size, path));
  symlinkSync('f', join(path, '..', 'link'));
}

/** A clock by which everything is slow, or nothing. */
function clock(stepMs: number): () => number {
  let ms = 0;
  return () => (ms += stepMs);
}

/** Path and beginning of everything, in the order in which it comes; up to `most` entries. */
async function walk(stepMs: number, most = Infinity): Promise<readonly string[]> {
  const root = openDirectoryHandle(top);
  const seen: string[] = [];
  const isLeftOut = (path: Buffer): boolean => path.toString() === 'd3/e10';
  const stack: OpenDirectory[] = [openTree(root, { isLeftOut, now: clock(stepMs) })];
  const buffer = Buffer.alloc(1024 * 1024);
  try {
    for (let parent = stack.at(-1); parent !== undefined && seen.length < most; parent = stack.at(-1)) {
      const next = parent.next();
      if (next === undefined) {
        await stack.pop()?.close();
        continue;
      }
      const { stats, file, directory } = await next.find();
      if (directory !== undefined) stack.push(directory);
      const content = file === undefined ? '' : buffer.toString('latin1', 0, file.read(buffer));
      file?.close();
      seen.push(`${next.path.toString()} ${stats.size} ${content}`);
    }
  } finally {
    for (const open of stack) await open.close();
    root.close();
  }
  return seen;
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('what is looked at ahead is what comes in its turn', async () => {
  const before = openDescriptors();
  const inTurn = await walk(0);
  // Numbered files, others, links and directories; without what is left out.
  assert.equal(inTurn.length, 780 + 40 * (5 + 1 + 2) + 7 - (10 + 5 + 1 + 2));
  assert.deepEqual(await walk(1), inTurn);
  assert.equal(openDescriptors(), before);
});

test('nothing stays open of what is not taken', async () => {
  const before = openDescriptors();
  for (const most of [33, 50, 200]) assert.equal((await walk(1, most)).length, most);
  assert.equal(openDescriptors(), before);
});

test('what fails is told of in its turn', async () => {
  const directory = mkdtempSync(join(top, 'gone-'));
  for (let file = 0; file < 100; file++) writeFileSync(join(directory, String(1000 + file)), '');
  const root = openDirectoryHandle(directory);
  try {
    const tree = openTree(root, { isLeftOut: () => false, now: clock(1) });
    rmSync(join(directory, '1060'));
    for (let file = 0; file < 100; file++) {
      const next = tree.next();
      assert.ok(next !== undefined);
      const find = async (): Promise<void> => (await next.find()).file?.close();
      if (file === 60) await assert.rejects(find, { code: 'ENOENT' });
      else await find();
    }
    await tree.close();
  } finally {
    root.close();
  }
});
