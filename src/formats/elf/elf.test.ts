// SPDX-License-Identifier: Apache-2.0
// Against binutils' readelf over this machine's own libraries, and against whatever bytes may come.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bytesOf, type ByteSource, definesSymbol, type ElfFile, readElf } from './index.ts';

const hasReadelf = spawnSync('readelf', ['--version']).status === 0;
const skip = hasReadelf ? false : 'install: readelf missing (Debian: apt-get install binutils)';

function readFile(path: string): ReturnType<typeof readElf> {
  const fd = openSync(path, 'r');
  try {
    const source: ByteSource = {
      sizeBytes: fstatSync(fd).size,
      read: (offset, length) => {
        const buffer = Buffer.alloc(length);
        return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
      },
    };
    return readElf(source);
  } finally {
    closeSync(fd);
  }
}

function sampleFiles(): readonly string[] {
  const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/bin', '/usr/lib32'];
  const all = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${folder}/${entry.name}`),
  );
  const isElf = (path: string): boolean => {
    try {
      return statSync(path).size > 64 && readFile(path).ok;
    } catch {
      return false;
    }
  };
  const elves = all.filter((path) => !path.endsWith('.o') && isElf(path));
  // A few hundred say as much as thousands do.
  const step = Math.max(1, Math.floor(elves.length / 300));
  return elves.filter((_, index) => index % step === 0);
}

/** What readelf says, in our own form. */
function fromReadelf(text: string): Pick<
  ElfFile,
  'interpreter' | 'needed' | 'soname' | 'rpath' | 'runpath' | 'definedVersions' | 'neededVersions'
> & {
  readonly class: string;
  readonly kind: string;
} {
  const all = (pattern: RegExp): readonly string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '');
  const one = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const defined: string[] = [];
  const needed: { library: string; versions: string[] }[] = [];
  let section = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('Version ')) section = line.split(' ')[1] ?? '';
    const definition = /^ {2}\S+: Rev: 1 {2}Flags: (.*?) {2,}?Index: \d+ {2}Cnt: \d+ {2}Name: (.*)$/.exec(line);
    if (section === 'definition' && definition !== null && !(definition[1] ?? '').includes('BASE')) {
      defined.push(definition[2] ?? '');
    }
    const file = /^ {2}\S+: Version: 1 {2}File: (.*?) {2}Cnt: \d+$/.exec(line);
    if (section === 'needs' && file !== null) needed.push({ library: file[1] ?? '', versions: [] });
    const want = /^ {2}\S+: {3}Name: (.*?) {2}Flags: (\S+)/.exec(line);
    if (section === 'needs' && want !== null && want[2] !== 'WEAK') needed.at(-1)?.versions.push(want[1] ?? '');
  }
  return {
    class: one(/^ {2}Class: +ELF(\d+)$/m) ?? '',
    kind: one(/^ {2}Type: +(\S+)/m) ?? '',
    interpreter: one(/\[Requesting program interpreter: (.*)\]/),
    needed: all(/\(NEEDED\) +Shared library: \[(.*)\]/g),
    soname: one(/\(SONAME\) +Library soname: \[(.*)\]/),
    rpath: one(/\(RPATH\) +Library rpath: \[(.*)\]/),
    runpath: one(/\(RUNPATH\) +Library runpath: \[(.*)\]/),
    definedVersions: defined,
    neededVersions: needed,
  };
}

test('says of this machine’s programs and libraries what readelf says', { skip }, () => {
  const paths = sampleFiles();
  assert.ok(paths.length > 20);
  const { stdout } = spawnSync('readelf', ['-W', '-h', '-l', '-d', '-V', ...paths], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    encoding: 'latin1',
    maxBuffer: 1 << 30,
  });
  const parts = stdout.split(/^File: /m).slice(1);
  assert.equal(parts.length, paths.length);
  for (const [index, path] of paths.entries()) {
    const result = readFile(path);
    assert.ok(result.ok, path);
    const { interpreter, needed, soname, rpath, runpath, definedVersions, neededVersions, kind } = result.elf;
    assert.deepEqual(
      {
        interpreter,
        needed,
        soname,
        rpath,
        runpath,
        definedVersions,
        neededVersions,
        class: String(result.elf.class),
        kind: { executable: 'EXEC', shared: 'DYN', other: 'REL' }[kind],
      },
      fromReadelf(parts[index] ?? ''),
      path,
    );
  }
});

test('finds symbols that a library defines, and not those that it only uses', { skip }, () => {
  const libc = sampleLibrary('libc.so.6');
  const libm = sampleLibrary('libm.so.6');
  assert.deepEqual(
    ['malloc', 'printf', 'no_such_symbol_here'].map((name) => definesSymbol(libc, name)),
    [true, true, false],
  );
  assert.deepEqual(
    ['sincos', 'malloc'].map((name) => definesSymbol(libm, name)),
    [true, false],
  );
  assert.equal(definesSymbol(bytesOf(Buffer.from('#!/bin/sh\n')), 'main'), false);
});

function sampleLibrary(name: string): ByteSource {
  const path = ['/lib/x86_64-linux-gnu', '/lib/aarch64-linux-gnu', '/lib64']
    .map((folder) => `${folder}/${name}`)
    .find(existsSync);
  return bytesOf(readFileSync(path ?? assert.fail(`no ${name}`)));
}

test('takes no harm from damage: every prefix and every overwritten byte of a library', () => {
  const whole = Buffer.from(sampleLibrary('libm.so.6').read(0, 1 << 30));
  fc.assert(
    fc.property(fc.nat(whole.length), (length) => {
      readElf(bytesOf(whole.subarray(0, length)));
    }),
    { numRuns: 200 },
  );
  // What a loader reads of it stands in the first pages and in the dynamic section.
  const offsets = fc.oneof(fc.nat(0x400), fc.nat(0x4000), fc.nat(whole.length - 9));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(offsets, fc.uint8Array({ minLength: 1, maxLength: 8 })), { maxLength: 4 }),
      (edits) => {
        const bytes = Buffer.from(whole);
        for (const [at, with_] of edits) bytes.set(with_, at);
        const result = readElf(bytesOf(bytes));
        if (result.ok) for (const name of result.elf.needed) assert.ok(name.length < 4096);
        definesSymbol(bytesOf(bytes), 'sincos');
      },
    ),
    { numRuns: 400 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(readElf(bytesOf(bytes)).ok, false);
      readElf(bytesOf(Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), bytes])));
    }),
  );
});
