// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fastHash, hashedBytes, strideBytes } from '../../sys/fast-hash.ts';
import { examineScript, pathFault, readExamination } from './remote-import.ts';

test('the shell of the other side comes to the same hash', async () => {
  const directory = mkdtempSync(join(tmpdir(), "slipway-it's-"));
  try {
    const part = join(directory, 'a b');
    // Sparse: ends of a block, of a stride, and in between.
    for (const size of [
      0,
      5,
      hashedBytes,
      hashedBytes + 1,
      strideBytes + 7,
      strideBytes + hashedBytes,
      2 * strideBytes,
    ]) {
      const file = openSync(part, 'w');
      writeSync(file, 'hsqs and more', 0);
      for (const at of [hashedBytes - 1, strideBytes + 3]) if (at < size) writeSync(file, 'x', at);
      ftruncateSync(file, size);
      closeSync(file);
      const { stdout, status } = spawnSync('sh', ['-c', examineScript({ part })], { encoding: 'utf8' });
      assert.equal(status, 0);
      const said = readExamination(stdout);
      const opened = await open(part);
      const hash = await fastHash(opened, new AbortController().signal);
      await opened.close();
      assert.deepEqual([said.sizeBytes, said.id], [size, hash]);
      assert.equal(said.superblock.toString('latin1', 0, 4), size < 4 ? ''.padEnd(said.superblock.length) : 'hsqs');
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('what another shell may say instead is no examination', () => {
  for (const text of [
    '',
    'x',
    '5\n\n',
    '5\nxyz\n',
    `5\nabc\n${'0'.repeat(64)}\n`,
    `${'9'.repeat(30)}\n\n${'0'.repeat(64)}\n`,
  ]) {
    assert.throws(() => readExamination(text), /has not said/);
  }
});

test('paths are absolute and plain', () => {
  assert.equal(pathFault('/a/b c'), undefined);
  for (const path of ['a', '/', '/a/', '/a//b', '/a/../b', '/./a']) assert.match(pathFault(path) ?? '', /absolute/);
});
