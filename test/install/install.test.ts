// SPDX-License-Identifier: Apache-2.0
// ./install: what it makes must work for any user, moved and read-only, on a host without Node.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { run, runOk } from '../support/command.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';

const install = resolve(import.meta.dirname, '../../install');

describe('an installed tree', () => {
  let folder: string;
  let prefix: string;
  before(async () => {
    folder = temporaryDirectory();
    chmodSync(folder, 0o755);
    prefix = join(folder, 'first/place');
    await runOk([install, prefix], { timeoutMs: 600_000 });
  });

  test('holds few files, readable by all, and is the only thing made', () => {
    const files = readdirSync(prefix, { recursive: true, encoding: 'utf8' });
    assert.ok(files.length > 10 && files.length < 1000, `${files.length} files`);
    for (const file of files) {
      const { mode } = lstatSync(join(prefix, file));
      const isLink = (mode & 0o170000) === 0o120000;
      if (!isLink) assert.equal(mode & 0o7022, 0, `${file}: ${mode.toString(8)}`);
      assert.equal(mode & 0o004, 0o004, file);
    }
    assert.deepEqual(readdirSync(join(folder, 'first')), ['place']);
    for (const name of ['bin/slipway', 'lib/slipway/main.mjs', 'libexec/slipway/node', 'share/doc/slipway/LICENSE']) {
      assert.ok(lstatSync(join(prefix, name)).isFile(), name);
    }
  });

  test('lists its own files', () => {
    const listed = readFileSync(join(prefix, 'share/doc/slipway/installed-files'), 'utf8').trimEnd().split('\n');
    const found = readdirSync(prefix, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(prefix.length + 1));
    assert.deepEqual(listed.toSorted(), found.toSorted());
  });

  test('mentions the checkout nowhere', async () => {
    // Not its bare name: a checkout may stand at a place that programs mention for other reasons.
    const parts = ['src', 'native', 'build', 'lib/slipway', 'node_modules'];
    const words = parts.flatMap((part) => ['-e', resolve(import.meta.dirname, '../..', part)]);
    const { stdout } = await run(['grep', '-rlF', '--binary-files=text', ...words, prefix]);
    assert.equal(stdout, '');
  });

  test('works for a user after it was moved and closed to writing, without Node on PATH', async () => {
    const moved = join(folder, 'second');
    renameSync(prefix, moved);
    await runOk(['chmod', '-R', 'a-w', moved]);
    const user = await acquireTestUser({ prefix: moved });
    const env = { PATH: `${moved}/bin` };
    assert.match(await user.runOk(['/usr/bin/env', 'slipway', '--version'], { env }), /\d/);
    assert.match(await user.runOk(['/usr/bin/env', 'slipway', 'doctor', '--json'], { env }), /"user-namespaces"/);
    await runOk(['chmod', '-R', 'u+w', moved]);
    renameSync(moved, prefix);
  });

  test('is replaced file by file: what is new comes, what is old goes, what is foreign stays', async () => {
    writeFileSync(join(prefix, 'bin/somebody-elses'), '');
    writeFileSync(join(prefix, 'lib/slipway/chunk-of-yesterday.mjs'), '');
    const list = join(prefix, 'share/doc/slipway/installed-files');
    writeFileSync(list, `${readFileSync(list, 'utf8')}lib/slipway/chunk-of-yesterday.mjs\n../../etc/passwd\n`);
    writeFileSync(join(prefix, 'lib/slipway/main.mjs'), 'damaged');
    await runOk([install, prefix], { timeoutMs: 600_000 });
    assert.ok(existsSync(join(prefix, 'bin/somebody-elses')));
    assert.ok(!existsSync(join(prefix, 'lib/slipway/chunk-of-yesterday.mjs')));
    assert.notEqual(readFileSync(join(prefix, 'lib/slipway/main.mjs'), 'utf8'), 'damaged');
    assert.deepEqual(
      readdirSync(prefix).filter((name) => name.startsWith('.')),
      [],
    );
  });
});

test('a prefix that can not be made is refused, and nothing is left', async () => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'file'), '');
  const { status, stderr } = await run([install, join(folder, 'file/prefix')]);
  assert.notEqual(status, 0);
  assert.match(stderr, /Not a directory|File exists/);
  assert.deepEqual(readdirSync(folder), ['file']);
});

test('the checkout itself, / and an unknown option are refused', async () => {
  for (const word of [resolve(install, '..'), '/', '--prefix']) {
    assert.equal((await run([install, word])).status, 2, word);
  }
});
