// SPDX-License-Identifier: Apache-2.0
// A Python of its own wrapped, as conda has one: virtual environments on top of it, and what is hidden from it.
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { wrapNeeds, writeFiles } from './installations.ts';

await suite('a wrapped Python', { skip: needs({ ...wrapNeeds, commands: [...wrapNeeds.commands, 'python3'] }) }, () => {
  let user: TestUser;
  let installed: string;
  before(async () => {
    user = await acquireTestUser();
    installed = join(user.home, 'installed');
    const source = user.makeDirectory('python');
    // The machine's, without tests and caches: it finds its library beside itself, wherever it stands.
    const copy = `mkdir bin lib; python=$(readlink -f /usr/bin/python3); cp $python bin/python3; ln -s python3 bin/python
tar -C /usr/lib -cf - --exclude=test --exclude=__pycache__ --exclude=config-* \${python##*/} | tar -C lib -xf -`;
    await user.runOk(['bash', '-euc', copy], { cwd: source });
    await writeFiles(user, user.home, { 'more.yaml': `excluded_mount_points: [${user.makeDirectory('hidden')}]\n` });
    await writeFiles(user, join(user.home, '../hidden'), { secret: 'x\n' });
    await user.runOk(['wrap-install', '-y', 'more.yaml', '-w', 'bin', '--prefix', installed, source]);
  });

  test('a virtual environment on top is made of the wrapper, and stands on what is wrapped', async () => {
    await user.runOk([join(installed, 'bin/python'), '-m', 'venv', '--without-pip', 've']);
    const link = readlinkSync(join(user.home, 've/bin/python3'));
    assert.ok([`${installed}/bin/python3`, `${installed}/bin/python`, 'python'].includes(link), link);
    const show =
      'import json, sys, encodings; print(json.dumps([sys.executable, sys.prefix, sys.base_prefix, encodings.__file__]))';
    const [executable, prefix, base, library] = JSON.parse(await user.runOk(['ve/bin/python', '-c', show])) as string[];
    assert.deepEqual([executable, prefix, base], [`${user.home}/ve/bin/python`, `${user.home}/ve`, installed]);
    assert.match(library ?? '', new RegExp(`^${installed}/lib/python3[^/]*/encodings/__init__.py$`));
    await user.runOk([
      'bash',
      '-c',
      'source ve/bin/activate && python -c "import sys; assert sys.prefix.endswith(\'/ve\')"',
    ]);
  });

  test('it can be moved, and the environment with a link at the old place', async () => {
    const moved = join(user.home, 'moved');
    await user.runOk(['mv', installed, moved]);
    await user.runOk([join(moved, 'bin/python'), '-c', `import sys; assert sys.prefix == "${moved}"`]);
    await user.runOk(['ln', '-s', moved, installed]);
    await user.runOk(['ve/bin/python', '-c', 'import sys, json']);
    await user.runOk(['rm', installed]);
    await user.runOk(['mv', moved, installed]);
  });

  test('directories that the site excludes are empty', async () => {
    const look = ['ls', '-A', join(user.home, '../hidden')];
    assert.equal(await user.runOk(look), 'secret\n');
    assert.equal(await user.runOk([join(installed, 'bin/_debug_exec'), ...look]), '');
  });
});
