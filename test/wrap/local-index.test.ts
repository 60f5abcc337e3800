// SPDX-License-Identifier: Apache-2.0
// pip-containerize where there is no index of the world's packages: hand-made wheels, in an index of files and in a
// directory. Nothing here needs a network.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { wrapNeeds, writeFiles } from './installations.ts';

/** Writes a wheel of one module, with a script of its name: DIRECTORY NAME VERSION VALUE [DEPENDENCY]. */
const makeWheel = `import os, sys, zipfile
directory, name, version, value, *depends = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{directory}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}.py", f"value = {value!r}\\ndef main():\\n    print({name!r}, value)\\n")
    requires = "".join(f"Requires-Dist: {each}\\n" for each in depends)
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n{requires}")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/entry_points.txt", f"[console_scripts]\\n{name} = {name}:main\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;

const commands = [...wrapNeeds.commands, 'python3', '/usr/share/python-wheels'];

await suite('pip-containerize from files', { skip: needs({ ...wrapNeeds, commands }) }, () => {
  let user: TestUser;
  let installed: string;
  // As on a machine that is not connected: nothing of the caller's configuration of pip, and no proxy that could help.
  const env = { PIP_CONFIG_FILE: '/dev/null', https_proxy: 'http://127.0.0.1:9', PIP_RETRIES: '0' };
  const wheel = async (...words: readonly string[]): Promise<void> => {
    await user.runOk(['python3', '-c', makeWheel, ...words]);
  };
  before(async () => {
    user = await acquireTestUser();
    installed = join(user.home, 'installed');
    for (const [name, value, ...depends] of [
      ['leading', 'one', 'needed>=2'],
      ['needed', 'two'],
    ] as const) {
      await wheel(`index/${name}`, name, '2.0', value, ...depends);
      const file = `${name}-2.0-py3-none-any.whl`;
      await writeFiles(user, join(user.home, 'index', name), { 'index.html': `<a href="${file}">${file}</a>` });
    }
    await wheel('more', 'added', '1.0', 'three');
    await writeFiles(user, user.home, {
      'req.txt': `--index-url file://${user.home}/index\nleading\n`,
      'more.txt': `--no-index\n--find-links ${user.home}/more\nadded\n`,
      'remove.sh': 'pip uninstall --yes leading\n',
    });
    await user.runOk(['pip-containerize', 'new', '--prefix', installed, 'req.txt'], { env });
  });

  test('an index of files gives a package, what it depends on, and their scripts', async () => {
    assert.equal(await user.runOk([join(installed, 'bin/leading')]), 'leading one\n');
    assert.equal(await user.runOk([join(installed, 'bin/needed')]), 'needed two\n');
  });

  test('an update adds from a directory, and removes by a script, with their wrappers', async () => {
    const words = ['pip-containerize', 'update', '-r', 'more.txt', '--post-install', 'remove.sh', installed];
    await user.runOk(words, { env });
    assert.equal(await user.runOk([join(installed, 'bin/added')]), 'added three\n');
    assert.equal(await user.runOk([join(installed, 'bin/needed')]), 'needed two\n');
    assert.equal(existsSync(join(installed, 'bin/leading')), false);
  });

  test('who has resolved links to a program finds it, also after updates, and where programs are as well', async () => {
    const script =
      'import os, subprocess, sys; print(sys.executable); subprocess.run([sys.executable, "-c", "import needed"], check=True)';
    const resolved = (await user.runOk(['readlink', '-f', join(installed, 'bin/python')])).trim();
    assert.equal(await user.runOk([resolved, '-c', script]), `${resolved}\n`);
    const there = { cwd: join(installed, 'bin') };
    assert.equal(await user.runOk(['./python', '-c', script], there), `${installed}/bin/python\n`);
    await user.runOk(['pip-containerize', 'update', installed], { env });
    assert.notEqual((await user.runOk(['readlink', '-f', join(installed, 'bin/python')])).trim(), resolved);
    assert.equal(await user.runOk([resolved, '-c', script]), `${resolved}\n`);
  });

  test('an update that can not be had leaves what was there', async () => {
    const before = readFileSync(join(installed, 'share/slipway.json'), 'utf8');
    await writeFiles(user, user.home, { 'bad.txt': `--no-index\n--find-links ${user.home}/more\nadded==9\n` });
    const { status, stderr } = await user.run(['pip-containerize', 'update', '-r', 'bad.txt', installed], { env });
    assert.equal(status, 1);
    assert.match(stderr, /No matching distribution found for added==9/);
    assert.equal(readFileSync(join(installed, 'share/slipway.json'), 'utf8'), before);
    assert.equal(await user.runOk([join(installed, 'bin/added')]), 'added three\n');
  });

  test('where else stands what is installed from, it is found, told of, and left alone', async () => {
    const place = join(user.home, 'project');
    await writeFiles(user, place, { 'base.txt': 'leading\n', 'after.sh': 'cat notes\n', 'notes': 'found\n' });
    await writeFiles(user, place, { 'req.txt': `--index-url file://${user.home}/index\n-r base.txt\n` });
    await writeFiles(user, place, { 'more.txt': `--no-index\n--find-links ../more\nadded\n` });
    const words = ['pip-containerize', 'new', '--post-install', 'after.sh', 'req.txt'];
    const said = await user.runOk(words, { env, cwd: place });
    assert.match(
      said,
      /\[ WARNING \] .* do not see what else is in .*\/project \(after\.sh, base\.txt, more\.txt, …\)/,
    );
    assert.match(said, /^found$/m);
    await user.runOk(['pip-containerize', 'update', '-r', 'more.txt', '.'], { env, cwd: place });
    assert.equal(await user.runOk([join(place, 'bin/added')]), 'added three\n');
    const inside = await user.runOk([join(place, 'bin/_debug_exec'), 'ls', place]);
    assert.deepEqual(inside.trim().split('\n'), ['bin', 'include', 'lib', 'lib64', 'pyvenv.cfg']);
    assert.equal(readFileSync(join(place, 'notes'), 'utf8'), 'found\n');
  });

  test('a kernel that can not start is told of', async () => {
    const { status, stdout, stderr } = await user.run(['slipway', 'wrap', 'jupyter', installed, '--name', 'None']);
    assert.deepEqual([status, stdout], [0, `${user.home}/.local/share/jupyter/kernels/none/kernel.json\n`]);
    assert.match(stderr, /^slipway: warning: the kernel can't start: ipykernel is not in /);
  });

  test('an installation can not stand in place of a home', async () => {
    const { status, stdout } = await user.run(['pip-containerize', 'new', 'req.txt'], { env });
    assert.equal(status, 1);
    assert.match(stdout, /\[ ERROR \] install to .*: wrapped programs would see the installation in place of /);
    assert.equal(existsSync(join(user.home, 'bin')), false);
  });

  test('scripts work in a place with blanks and signs, and where that is moved to', async () => {
    const place = join(user.home, "a b/it's $5");
    await user.runOk(['pip-containerize', 'new', '--prefix', place, 'req.txt'], { env });
    assert.equal(await user.runOk([join(place, 'bin/leading')]), 'leading one\n');
    await user.runOk(['mv', 'a b', 'c d']);
    assert.equal(await user.runOk([join(user.home, "c d/it's $5/bin/leading")]), 'leading one\n');
    await user.runOk(['ln', '-s', "c d/it's $5/bin/leading", 'linked']);
    assert.equal(await user.runOk(['./linked']), 'leading one\n');
  });

  test('the same is made again from its record, unless an archive has changed', async () => {
    const links = { ...env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: `${user.home}/more ${user.home}/index/needed` };
    await user.runOk(['slipway', 'wrap', 'rebuild', installed, 'again'], { env: links });
    assert.equal(await user.runOk(['slipway', 'wrap', 'compare', installed, 'again']), '');
    await wheel('more', 'added', '1.0', 'changed');
    const { status, stderr } = await user.run(['slipway', 'wrap', 'rebuild', installed, 'changed'], { env: links });
    assert.equal(status, 1);
    assert.match(stderr, /DO NOT MATCH THE HASHES/);
  });
});
