// SPDX-License-Identifier: Apache-2.0
// `slipway wrap`: the modern face, the record of what is installed, and what stands beside an installation.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { tellingProgram, wrapNeeds, writeFiles } from './installations.ts';
import { indexReason, makeScriptProject, pipVariables } from './python-projects.ts';

await suite('slipway wrap', { skip: needs(wrapNeeds) }, () => {
  let user: TestUser;
  let reason: string | false;
  let installed: string;
  before(async () => {
    user = await acquireTestUser();
    installed = join(user.home, 'installed');
    reason = await indexReason(user);
    if (reason !== false) return;
    await makeScriptProject(user, join(user.home, 'telling'));
    await writeFiles(user, user.home, { 'req.txt': 'six==1.16.0\n./telling\n', 'newer.txt': 'six==1.17.0\n' });
    await user.runOk(['slipway', 'wrap', 'pip', installed, '-r', 'req.txt'], { env: pipVariables });
  });

  test('show tells what is installed, by digest', async (context) => {
    if (reason !== false) return context.skip(reason);
    const record = JSON.parse(await user.runOk(['slipway', 'wrap', 'show', '--json', installed])) as {
      readonly pip: readonly { readonly name: string; readonly version: string; readonly sha256?: string }[];
    };
    const six = record.pip.find(({ name }) => name === 'six');
    assert.equal(six?.version, '1.16.0');
    assert.match(six?.sha256 ?? '', /^[0-9a-f]{64}$/);
    assert.match(await user.runOk(['slipway', 'wrap', 'show', installed]), /telling 1\.0 {2}file:\/\//);
  });

  test('rebuild makes the same, and compare says so', async (context) => {
    if (reason !== false) return context.skip(reason);
    const again = join(user.home, 'again');
    await user.runOk(['slipway', 'wrap', 'rebuild', installed, again], { env: pipVariables });
    assert.equal(await user.runOk(['slipway', 'wrap', 'compare', installed, again]), '');
    assert.match(await user.runOk([join(again, 'bin/telling')]), /"executable"/);
    await user.runOk(['slipway', 'wrap', 'pip', '--update', again, '-r', 'newer.txt'], { env: pipVariables });
    const { status, stdout } = await user.run(['slipway', 'wrap', 'compare', installed, again]);
    assert.deepEqual([status, stdout], [1, 'pip\tsix\t1.16.0\t1.17.0\n']);
  });

  test('a record whose digest is another is refused', async (context) => {
    if (reason !== false) return context.skip(reason);
    const record = readFileSync(join(installed, 'share/slipway.json'), 'utf8');
    await writeFiles(user, user.home, { 'bad.json': record.replace(/"sha256": "[0-9a-f]{8}/, '"sha256": "00000000') });
    const { status, stderr } = await user.run(['slipway', 'wrap', 'rebuild', 'bad.json', 'bad'], { env: pipVariables });
    assert.equal(status, 1);
    assert.match(stderr, /DO NOT MATCH THE HASHES/);
  });

  test('a kernel and module files lead to its programs', async (context) => {
    if (reason !== false) return context.skip(reason);
    const kernel = (await user.runOk(['slipway', 'wrap', 'jupyter', installed, '--name', 'My Env'])).trim();
    assert.equal(kernel, join(user.home, '.local/share/jupyter/kernels/my-env/kernel.json'));
    const { argv } = JSON.parse(readFileSync(kernel, 'utf8')) as { readonly argv: readonly string[] };
    assert.equal(argv[0], join(installed, 'bin/python'));
    assert.equal((await user.runOk([argv[0] ?? '', '-c', 'print(1)'])).trim(), '1');
    const made = (await user.runOk(['slipway', 'wrap', 'module', installed])).trim().split('\n');
    assert.match(readFileSync(made[0] ?? '', 'utf8'), new RegExp(`prepend_path\\("PATH", "${installed}/bin"\\)`));
    assert.match(readFileSync(made[1] ?? '', 'utf8'), /^#%Module/);
  });

  test('dir wraps as wrap-install does, and words that make no sense are said', async () => {
    const source = user.makeDirectory('program');
    await writeFiles(user, source, tellingProgram);
    const target = join(user.home, 'from-dir');
    assert.equal(await user.runOk(['slipway', 'wrap', 'dir', target, source, '-w', 'bin']), `${target}\n`);
    assert.match(await user.runOk([join(target, 'bin/tell')]), /data of the program/);
    const wrong = await user.run(['slipway', 'wrap', 'dir', target, source]);
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /dir wants what is to be wrapped, and --programs/);
    const none = await user.run(['slipway', 'wrap', 'show', source]);
    assert.match(none.stderr, /read the record of .*: there is none/);
  });
});
