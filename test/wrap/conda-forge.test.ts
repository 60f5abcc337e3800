// SPDX-License-Identifier: Apache-2.0
// The examples of conda-containerize in Tykky's documentation, word for word. The channel is called conda-forge and is made
// here, in the newer format of packages, of real wheels; it is found by its name as by conda's channel_alias.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeChannel } from './conda-channel.ts';
import { installSolver } from './conda-solver.ts';
import { wrapNeeds, writeFiles } from './installations.ts';
import { pipVariables } from './python-projects.ts';

const commands = [...wrapNeeds.commands, 'gcc', 'bzip2', 'zstd'];

await suite('conda-containerize as it is documented', { skip: needs({ ...wrapNeeds, commands }) }, () => {
  let user: TestUser;
  let reason: string | false = false;
  let installed: string;
  let env: Readonly<Record<string, string>>;
  before(async () => {
    user = await acquireTestUser();
    reason = await installSolver(user);
    if (reason !== false) return;
    const channel = join(user.makeDirectory('channels'), 'conda-forge');
    await makeChannel(user, channel);
    await user.runOk(['solver/bin/pip', 'download', '--quiet', '--no-deps', '-d', 'wheels', 'pip', 'numpy', 'scipy'], {
      env: pipVariables,
      timeoutMs: 600_000,
    });
    const wheels = readdirSync(join(user.home, 'wheels')).map((name) => join('wheels', name));
    const converter = readFileSync(join(import.meta.dirname, 'wheel-to-conda.py'), 'utf8');
    await user.runOk(['python3', '-', channel, ...wheels], { input: converter, timeoutMs: 600_000 });
    env = {
      ...pipVariables,
      PATH: `${user.home}/tools:${user.env['PATH']}`,
      TEST_CHANNEL_ALIAS: `file://${join(channel, '..')}`,
    };
    installed = join(user.home, 'path/to_install');
    await writeFiles(user, user.home, {
      'conda_env.yaml': 'channels:\n  - conda-forge\ndependencies:\n  - numpy\n',
      'post.sh': 'conda install scipy  --channel conda-forge\npip install pyyaml \n',
    });
  });
  const check = (name: string, body: () => Promise<void>): void => {
    test(name, async (context) => {
      if (reason !== false) context.skip(reason);
      else await body();
    });
  };
  const python = async (text: string): Promise<string> =>
    (await user.runOk([join(installed, 'bin/python'), '-c', text], { cwd: '/' })).trim();

  check('conda-containerize new --prefix /path/to_install conda_env.yaml', async () => {
    const words = ['conda-containerize', 'new', '--prefix', installed, 'conda_env.yaml'];
    await user.runOk(words, { env, timeoutMs: 600_000 });
    assert.equal(
      await python('import numpy; print(numpy.eye(3).sum(), numpy.__file__.split("/lib/")[0])'),
      `3.0 ${installed}`,
    );
    assert.match(await user.runOk([join(installed, 'bin/pip'), '--version']), new RegExp(`from ${installed}/lib/`));
  });

  check('conda-containerize update --post-install post.sh /path/to_install', async () => {
    const image = statSync(join(installed, 'img.sqfs')).ino;
    const words = ['conda-containerize', 'update', '--post-install', 'post.sh', installed];
    await user.runOk(words, { env, timeoutMs: 600_000 });
    assert.notEqual(statSync(join(installed, 'img.sqfs')).ino, image);
    const text = 'import numpy, scipy.linalg, yaml; print(scipy.linalg.det(numpy.eye(3) * 2), yaml.safe_load("[1]"))';
    assert.equal(await python(text), '8.0 [1]');
    const listed = await user.runOk([join(installed, 'bin/list-packages')]);
    assert.match(listed, /^numpy-[^]*^scipy-[^]*^PyYAML /im);
    const shown = await user.runOk(['slipway', 'wrap', 'show', installed]);
    const { pip } = JSON.parse(await user.runOk(['slipway', 'wrap', 'show', '--json', installed])) as {
      readonly pip: readonly { readonly name: string; readonly sha256?: string }[];
    };
    assert.deepEqual(
      pip.map(({ name, sha256 }) => [name, sha256?.length]),
      [['PyYAML', 64]],
    );
    assert.match(shown, /numpy \S+ 0 {2}file:.*\.conda\n[^]*pyyaml/i);
  });
});
