// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { makeSkeleton, sweepOldFiles, writeAllToDescriptor, writeFileInPlace } from './run-directory.ts';

suite('the directory for plans', () => {
  let folder = '';
  const at = (name: string): string => join(folder, name);
  const makeOld = (path: string): void => utimesSync(path, 1000, 1000);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-run-directory-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('has whole files with the mode that was asked for, whatever the umask', () => {
    const before = process.umask(0o077);
    try {
      writeFileInPlace(at('f-text'), 'text', 0o444);
      writeFileInPlace(at('p-bytes'), Buffer.from([0, 255]), 0o600);
    } finally {
      process.umask(before);
    }
    assert.deepEqual([readFileSync(at('f-text'), 'utf8'), statSync(at('f-text')).mode & 0o777], ['text', 0o444]);
    assert.deepEqual([...readFileSync(at('p-bytes'))], [0, 255]);
    assert.equal(statSync(at('p-bytes')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['f-text', 'p-bytes'], 'no temporary files');
  });

  test('keeps a text that is there, and keeps it young; anything else is replaced', () => {
    writeFileInPlace(at('f-text'), 'text', 0o444);
    const { ino } = statSync(at('f-text'));
    makeOld(at('f-text'));
    writeFileInPlace(at('f-text'), 'text', 0o444);
    assert.equal(statSync(at('f-text')).ino, ino);
    assert.ok(statSync(at('f-text')).mtimeMs > 1_000_000);
    // Damage that leaves the size as it is.
    rmSync(at('f-text'));
    writeFileSync(at('f-text'), 'texx');
    writeFileInPlace(at('f-text'), 'text', 0o444);
    assert.equal(readFileSync(at('f-text'), 'utf8'), 'text');
    writeFileInPlace(at('p-plan'), Buffer.from('one'), 0o600);
    writeFileInPlace(at('p-plan'), Buffer.from('two'), 0o600);
    assert.equal(readFileSync(at('p-plan'), 'utf8'), 'two');
  });

  test('has nothing half-made after a failure', () => {
    mkdirSync(at('f-taken'));
    assert.throws(() => writeFileInPlace(at('f-taken'), Buffer.from('x'), 0o600), { code: 'EISDIR' });
    assert.throws(() => makeSkeleton(at('s-bad'), [{ path: 'a/b', kind: 'file' }]), { code: 'ENOENT' });
    assert.deepEqual(readdirSync(folder), ['f-taken']);
  });

  test('has skeletons, made once', () => {
    const entries = [
      { path: 'a', kind: 'directory' },
      { path: 'a/b', kind: 'directory' },
      { path: 'a/file', kind: 'file' },
    ] as const;
    makeSkeleton(at('s-one'), entries);
    assert.deepEqual(
      readdirSync(at('s-one'), { recursive: true, encoding: 'utf8' }).toSorted((a, b) => a.localeCompare(b)),
      ['a', 'a/b', 'a/file'],
    );
    const { ino } = statSync(at('s-one'));
    makeOld(at('s-one'));
    makeSkeleton(at('s-one'), entries);
    assert.equal(statSync(at('s-one')).ino, ino);
    assert.ok(statSync(at('s-one')).mtimeMs > 1_000_000);
    assert.deepEqual(readdirSync(folder), ['s-one']);
  });

  test('takes over what a process that was killed has left under its name', () => {
    writeFileSync(at(`f-text.${process.pid}~`), 'half');
    writeFileInPlace(at('f-text'), 'text', 0o444);
    mkdirSync(at(`s-one.${process.pid}~`));
    makeSkeleton(at('s-one'), [{ path: 'a', kind: 'directory' }]);
    assert.deepEqual(readdirSync(folder), ['f-text', 's-one']);
  });

  test('is swept of its own files that nobody has used for long, and of nothing else', () => {
    const names = ['p-a', 'x-a', 'f-a', 'k-a', 'l-a', 'h-a', 'h-a.77', 'f-a.77~'];
    for (const name of [...names, 'h-young', 'other', 'p-young', 'p-read']) writeFileSync(at(name), '');
    mkdirSync(at('s-a/b'), { recursive: true });
    for (const name of [...names, 'other', 's-a']) makeOld(at(name));
    utimesSync(at('p-read'), Date.now() / 1000, 1000);
    sweepOldFiles(folder, Date.now() - 60_000);
    assert.deepEqual(readdirSync(folder), ['h-young', 'other', 'p-read', 'p-young']);
  });

  test('hands all bytes to a descriptor', () => {
    const bytes = Buffer.alloc(300_000, 'x');
    const fd = openSync(at('out'), 'w');
    writeAllToDescriptor(fd, bytes);
    closeSync(fd);
    assert.ok(readFileSync(at('out')).equals(bytes));
  });
});
