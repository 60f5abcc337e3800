// SPDX-License-Identifier: Apache-2.0
// Against this machine's own dynamic loader, which lists what it would load (ld.so --list, ldd(1)).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { createInputs } from '../../sys/inputs.ts';
import { hwcapsOf } from '../../sys/processor.ts';
import { fileVersion, libraryVersion, machineLibraries, resolveLibraries } from './index.ts';

const loader = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'].find(existsSync);
const skip = loader === undefined ? 'machine: no dynamic loader of glibc' : false;
const hasCompiler = spawnSync('gcc', ['--version']).status === 0;
const skipCompiled = hasCompiler ? skip : 'install: gcc missing (Debian: apt-get install gcc libc6-dev)';
const inputs = createInputs({ environment: {}, cwd: '/' });

function loaded(path: string, environment: Readonly<Record<string, string>> = {}): readonly string[] | undefined {
  const { status, stdout } = spawnSync(loader ?? '', ['--list', path], { env: environment, encoding: 'utf8' });
  if (status !== 0) return undefined;
  return [...stdout.matchAll(/^\t(?:.* => )?(\/\S+) \(/gm)].map((match) => realpathSync(match[1] ?? '')).toSorted();
}

function resolved(path: string, libraryPath?: string): readonly string[] {
  const { search } = machineLibraries(inputs, libraryPath === undefined ? {} : { libraryPath });
  const { libraries, missing } = resolveLibraries(search, [path]);
  assert.deepEqual(missing, [], path);
  return libraries
    .slice(1)
    .map((library) => realpathSync(library.path))
    .toSorted();
}

test('finds what the loader loads, for the programs of this machine', { skip }, () => {
  const programs = readdirSync('/usr/bin')
    .map((name) => join('/usr/bin', name))
    .filter((_, index, all) => index % Math.ceil(all.length / 120) === 0);
  let compared = 0;
  for (const path of programs) {
    const expected = loaded(path);
    if (expected === undefined || expected.length === 0) continue;
    assert.deepEqual(
      new Set([...resolved(realpathSync(path)), realpathSync(loader ?? '')]),
      new Set([...expected, realpathSync(loader ?? '')]),
      path,
    );
    compared += 1;
  }
  assert.ok(compared > 10, `${compared} programs compared`);
});

test('follows RPATH, RUNPATH, $ORIGIN and LD_LIBRARY_PATH as the loader does', { skip: skipCompiled }, () => {
  const base = mkdtempSync(join(tmpdir(), 'slipway-libraries-'));
  after(() => rmSync(base, { recursive: true }));
  const compile = (out: string, source: string, ...flags: readonly string[]): void => {
    writeFileSync(join(base, 'x.c'), source);
    const argv = ['-o', join(base, out), join(base, 'x.c'), ...flags];
    const { status, stderr } = spawnSync('gcc', argv, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  for (const name of ['one', 'two', 'three', 'four', 'bin']) mkdirSync(join(base, name));
  const shared = (folder: string, name: string): readonly string[] => [
    '-shared',
    '-fPIC',
    `-Wl,-soname,lib${name}.so.1`,
    `-L${base}/${folder}`,
  ];
  compile('one/libinner.so.1', 'int inner(void) { return 1; }', ...shared('one', 'inner'));
  symlinkSync('libinner.so.1', join(base, 'one/libinner.so'));
  compile('two/libinner.so.1', 'int inner(void) { return 2; }', ...shared('two', 'inner'));
  const outer = 'int inner(void); int outer(void) { return inner(); }';
  compile('one/libouter.so.1', outer, ...shared('one', 'outer'), '-linner');
  symlinkSync('libouter.so.1', join(base, 'one/libouter.so'));
  compile(
    'three/libouter.so.1',
    outer,
    ...shared('one', 'outer'),
    '-linner',
    '-Wl,--enable-new-dtags,-rpath,$ORIGIN/../two',
  );
  const main = 'int outer(void); int main(void) { return outer(); }';
  const link = [`-L${base}/one`, '-louter', '-Wl,--allow-shlib-undefined', `-Wl,-rpath-link,${base}/one`];
  compile('bin/rpath', main, ...link, '-Wl,--disable-new-dtags,-rpath,$ORIGIN/../one');
  compile('bin/runpath', main, ...link, `-Wl,--enable-new-dtags,-rpath,\${ORIGIN}/../three:${base}/one`);
  compile('bin/plain', main, ...link);
  symlinkSync('../bin/rpath', join(base, 'four/link'));
  for (const path of ['bin/rpath', 'bin/runpath', 'four/link'].map((name) => join(base, name))) {
    assert.deepEqual(
      resolved(path).filter((each) => each.startsWith(realpathSync(base))),
      loaded(path)?.filter((each) => each.startsWith(realpathSync(base))),
      path,
    );
  }
  // An object with RUNPATH alone does not lend it to what it brings in.
  const { search } = machineLibraries(inputs);
  assert.deepEqual(resolveLibraries(search, [join(base, 'bin/plain')]).missing, [
    { name: 'libouter.so.1', neededBy: join(base, 'bin/plain') },
  ]);
  for (const [program, path] of [
    ['plain', 'one'],
    ['plain', 'three:two'],
    ['rpath', 'two'],
    ['runpath', 'one'],
  ] as const) {
    const list = path
      .split(':')
      .map((name) => join(base, name))
      .join(':');
    const file = join(base, 'bin', program);
    assert.deepEqual(
      resolved(file, list).filter((each) => each.startsWith(realpathSync(base))),
      loaded(file, { LD_LIBRARY_PATH: list })?.filter((each) => each.startsWith(realpathSync(base))),
      `${program} ${path}`,
    );
  }
});

test('reads versions of file names, and refines them along links', () => {
  assert.deepEqual(fileVersion('/usr/lib/libmpi.so.12.2.4'), { linkerName: 'libmpi.so', numbers: [12, 2, 4] });
  assert.deepEqual(fileVersion('libmpi.so'), { linkerName: 'libmpi.so', numbers: [] });
  assert.deepEqual(fileVersion('libstdc++.so.6.0.30')?.linkerName, 'libstdc++.so');
  assert.equal(fileVersion('libc-2.31.so')?.linkerName, 'libc-2.31.so');
  for (const name of ['libmpi.a', 'so', 'libmpi.so.1a', '']) assert.equal(fileVersion(name), undefined, name);
  assert.deepEqual(libraryVersion(['libmpi.so.12', 'libmpi.so.12.2.4'])?.numbers, [12, 2, 4]);
  assert.deepEqual(libraryVersion(['libmpi.so', 'libmpi.so.12', 'libmpich.so.12.1'])?.numbers, [12]);
  assert.deepEqual(libraryVersion(['libmpi.so.12', 'libmpi.so.40.1'])?.numbers, [12]);
  assert.deepEqual(libraryVersion(['libmpi.so.12.2', 'libmpi.so.12'])?.numbers, [12, 2]);
  fc.assert(
    fc.property(fc.array(fc.nat(999), { maxLength: 5 }), (numbers) => {
      const name = ['liba.so', ...numbers].join('.');
      assert.deepEqual(fileVersion(name), { linkerName: 'liba.so', numbers });
    }),
  );
});

test('says which levels of glibc-hwcaps a processor reaches', () => {
  const v2 = 'cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3';
  const v3 = 'avx avx2 bmi1 bmi2 f16c fma abm movbe xsave';
  assert.deepEqual(hwcapsOf(`processor : 0\nflags\t\t: fpu ${v2}\n`), ['x86-64-v2']);
  assert.deepEqual(hwcapsOf(`flags : ${v3} ${v2}`), ['x86-64-v3', 'x86-64-v2']);
  assert.deepEqual(hwcapsOf(`flags : ${v3}`), []);
  assert.deepEqual(hwcapsOf('Features : fp asimd'), []);
});
