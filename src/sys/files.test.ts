// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '../model/index.ts';
import { attempting, errnoOf, toFileError } from './file-errors.ts';
import {
  ensureDirectory,
  freeBytes,
  listDirectoryIfPresent,
  listDirectoryIfPresentSync,
  moveDurably,
  readFileIfPresent,
  readFileIfPresentSync,
  removeIfPresent,
  removeTree,
  statIfPresent,
  writeFileAtomic,
} from './files.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-files-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('writeFileAtomic', () => {
  test('replaces a file whole, with exactly the mode asked for', async () => {
    const path = join(directory, 'a');
    await writeFile(path, 'a longer text than the new one');
    await chmod(path, 0o600);
    const umask = process.umask(0o077);
    try {
      await writeFileAtomic(path, 'new', { mode: 0o644 });
    } finally {
      process.umask(umask);
    }
    assert.equal(await readFile(path, 'utf8'), 'new');
    assert.equal((await stat(path)).mode & 0o7777, 0o644);
    assert.deepEqual(await readdir(directory), ['a']);
  });

  test('never shows a reader a part of a file', async () => {
    const path = join(directory, 'a');
    const texts = ['x'.repeat(300_000), 'y'.repeat(200_000)];
    await writeFileAtomic(path, texts[0]!, { mode: 0o644 });
    const writing = (async () => {
      for (let round = 0; round < 20; round += 1) await writeFileAtomic(path, texts[round % 2]!, { mode: 0o644 });
    })();
    for (let round = 0; round < 200; round += 1) {
      assert.ok(texts.includes((await readFileIfPresent(path, { maxBytes: 1e6 }))!.toString()));
    }
    await writing;
  });

  test('leaves the old file and nothing else when it fails', async () => {
    const path = join(directory, 'a');
    await mkdir(path);
    await assert.rejects(writeFileAtomic(path, 'new', { mode: 0o644 }), (error) =>
      hasCode(error, 'file-operation-failed'),
    );
    assert.deepEqual(await readdir(directory), ['a']);
  });

  test('uses the temporary path that it is given', async () => {
    const temporary = join(directory, 'temporary');
    await writeFile(temporary, 'of somebody else');
    await assert.rejects(
      writeFileAtomic(join(directory, 'a'), 'new', { mode: 0o644, temporary }),
      (error) => hasCode(error, 'file-operation-failed') && error.message.includes('EEXIST'),
    );
  });
});

test('moveDurably moves and sets the mode', async () => {
  await writeFile(join(directory, 'a'), 'text');
  await moveDurably(join(directory, 'a'), join(directory, 'b'), { mode: 0o444 });
  assert.deepEqual(await readdir(directory), ['b']);
  assert.equal((await stat(join(directory, 'b'))).mode & 0o7777, 0o444);
});

test('what is absent is undefined, also below a file', async () => {
  await writeFile(join(directory, 'file'), '');
  for (const path of [join(directory, 'none'), join(directory, 'none/below'), join(directory, 'file/below')]) {
    assert.equal(await readFileIfPresent(path, { maxBytes: 10 }), undefined);
    assert.equal(readFileIfPresentSync(path, { maxBytes: 10 }), undefined);
    assert.equal(await listDirectoryIfPresent(path), undefined);
    assert.equal(listDirectoryIfPresentSync(path), undefined);
    assert.equal(await statIfPresent(path), undefined);
    assert.equal(await removeIfPresent(path), false);
    await removeTree(join(directory, 'none'));
  }
});

test('what is there is read, listed in order and removed', async () => {
  for (const name of ['b', 'a', 'c']) await writeFile(join(directory, name), name);
  assert.equal((await readFileIfPresent(join(directory, 'a'), { maxBytes: 1 }))?.toString(), 'a');
  assert.equal(readFileIfPresentSync(join(directory, 'a'), { maxBytes: 1 })?.toString(), 'a');
  assert.deepEqual(await listDirectoryIfPresent(directory), ['a', 'b', 'c']);
  assert.deepEqual(listDirectoryIfPresentSync(directory), ['a', 'b', 'c']);
  assert.equal(await removeIfPresent(join(directory, 'a')), true);
  assert.deepEqual(await readdir(directory), ['b', 'c']);
});

test('a file beyond the limit is refused', async () => {
  const path = join(directory, 'a');
  await writeFile(path, '12345');
  await assert.rejects(readFileIfPresent(path, { maxBytes: 4 }), (error) => hasCode(error, 'file-too-large'));
  assert.throws(
    () => readFileIfPresentSync(path, { maxBytes: 4 }),
    (error) => hasCode(error, 'file-too-large'),
  );
});

test('removeTree does not follow links', async () => {
  await mkdir(join(directory, 'kept'));
  await writeFile(join(directory, 'kept/file'), '');
  await mkdir(join(directory, 'gone'));
  await symlink('../kept', join(directory, 'gone/link'));
  await removeTree(join(directory, 'gone'));
  assert.deepEqual(await readdir(directory, { recursive: true }), ['kept', 'kept/file']);
});

test('ensureDirectory makes what is missing and leaves the modes of what is there', async () => {
  await mkdir(join(directory, 'a'));
  await chmod(join(directory, 'a'), 0o755);
  assert.equal(await ensureDirectory(join(directory, 'a/b/c'), { mode: 0o700 }), true);
  assert.equal(await ensureDirectory(join(directory, 'a/b/c'), { mode: 0o755 }), false);
  assert.equal((await stat(join(directory, 'a'))).mode & 0o7777, 0o755);
  assert.equal((await stat(join(directory, 'a/b/c'))).mode & 0o7777, 0o700);
});

test('freeBytes answers for a directory', async () => {
  assert.ok((await freeBytes(directory)) > 0);
});

describe('toFileError', () => {
  test('says what was attempted, where, why and by which errno', async () => {
    await assert.rejects(
      attempting('write the file', '/dev/full', () => writeFile('/dev/full', 'text')),
      (error) => hasCode(error, 'disk-full') && error.message === 'write the file /dev/full: no space is left (ENOSPC)',
    );
  });

  test('has a code for each kind of refusal', () => {
    const errnoError = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'open', errno: -122 });
    const codes = { EDQUOT: 'disk-full', EACCES: 'permission-denied', EPERM: 'permission-denied' } as const;
    for (const [errno, code] of Object.entries(codes)) {
      const error = toFileError(errnoError(errno), 'open', '/x');
      assert.ok(hasCode(error, code) && error.message.includes(errno), errno);
    }
    assert.ok(hasCode(toFileError(errnoError('EROFS'), 'open', '/x'), 'read-only-file-system'));
    assert.ok(hasCode(toFileError(errnoError('EIO'), 'open', '/x'), 'file-operation-failed'));
  });

  test('leaves alone what is no error of a system call', () => {
    const error = new TypeError('a mistake in the program');
    assert.equal(toFileError(error, 'open', '/x'), error);
    assert.equal(errnoOf(error), undefined);
    // Node's own argument errors have a code too, but no system call.
    assert.equal(errnoOf(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' })), undefined);
  });
});
