// SPDX-License-Identifier: Apache-2.0
// Against this machine's own ldconfig, in each of the formats that it writes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { encodeLdCache, parseLdCache } from './index.ts';

const ldconfig = ['/sbin/ldconfig', '/usr/sbin/ldconfig'].find(existsSync);
const skip = ldconfig === undefined ? 'machine: no ldconfig' : false;
const folder = mkdtempSync(join(tmpdir(), 'slipway-ld-cache-'));
after(() => rmSync(folder, { recursive: true }));

function makeCache(format: string): string {
  const path = join(folder, format);
  const { status, stderr } = spawnSync(ldconfig ?? '', ['-c', format, '-C', path, '-X'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return path;
}

for (const format of ['new', 'compat', 'old']) {
  test(`reads what ldconfig -c ${format} writes as ldconfig -p does`, { skip }, () => {
    const path = makeCache(format);
    const parsed = parseLdCache(readFileSync(path));
    const { stdout } = spawnSync(ldconfig ?? '', ['-p', '-C', path], { encoding: 'latin1', maxBuffer: 1 << 28 });
    const lines = stdout.split('\n').flatMap((line) => {
      const match = /^\t(\S+) \((.*)\) => (.*)$/.exec(line);
      return match === null ? [] : [{ name: match[1], path: match[3], words: match[2] ?? '' }];
    });
    assert.ok(parsed !== undefined && parsed.length > 10);
    assert.deepEqual(
      parsed.map(({ name, path: to }) => ({ name, path: to })),
      lines.map(({ name, path: to }) => ({ name, path: to })),
    );
    for (const [index, { flags, hwcap }] of parsed.entries()) {
      const words = lines[index]?.words ?? '';
      if (words.includes('x86-64')) assert.equal(flags & 0xffff, 0x0303);
      assert.equal(hwcap, /hwcap: "([^"]*)"/.exec(words)?.[1]);
    }
  });
}

test('takes no harm from what is no cache, or a damaged one', { skip }, () => {
  const whole = readFileSync(makeCache('compat'));
  const alone = readFileSync(makeCache('new'));
  fc.assert(
    fc.property(
      fc.constantFrom(whole, alone),
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.nat(255))),
      (cache, cut, edits) => {
        const bytes = Buffer.from(cache.subarray(0, cut % 2 === 0 ? cache.length : cut % (cache.length + 1)));
        for (const [at, value] of edits) if (bytes.length > 0) bytes[at % Math.min(bytes.length, 4096)] = value;
        for (const { name, path } of parseLdCache(bytes) ?? []) assert.ok(name.length + path.length <= 8192);
      },
    ),
    { numRuns: 300 },
  );
  assert.equal(parseLdCache(Buffer.from('ld.so-1.7.0')), undefined);
  assert.equal(parseLdCache(Buffer.from('glibc-ld.so.cache1.1')), undefined);
  assert.equal(parseLdCache(Buffer.alloc(0)), undefined);
});

test('writes a cache that reads as what was written, and that ldconfig and the loader accept', { skip }, () => {
  const original = parseLdCache(readFileSync(makeCache('new'))) ?? [];
  const path = join(folder, 'encoded');
  const withLevels = [
    { name: 'libz.so.1', path: '/nowhere/libz.so.1', flags: 0x0303, hwcap: 'x86-64-v3' },
    { name: 'libslipway.so.10', path: '/nowhere/libslipway.so.10', flags: 0x0303, hwcap: undefined },
    { name: 'libslipway.so.9', path: '/nowhere/libslipway.so.9', flags: 0x0303, hwcap: undefined },
  ];
  for (const libraries of [original, original.toReversed(), [...withLevels, ...original], []]) {
    const bytes = encodeLdCache(libraries);
    writeFileSync(path, bytes);
    const parsed = parseLdCache(bytes) ?? [];
    assert.deepEqual(new Set(parsed.map(({ path: to }) => to)), new Set(libraries.map(({ path: to }) => to)));
    const { stdout, status } = spawnSync(ldconfig ?? '', ['-p', '-C', path], { encoding: 'latin1' });
    assert.equal(status, 0);
    assert.equal([...stdout.matchAll(/ => /g)].length, libraries.length);
  }
  // The order in which this machine's own ldconfig puts them is the one that a search by halves needs.
  const names = (libraries: readonly { readonly name: string }[]): readonly string[] =>
    libraries.map(({ name }) => name);
  assert.deepEqual(names(parseLdCache(encodeLdCache(original.toReversed())) ?? []), names(original));
});
