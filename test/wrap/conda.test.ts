// SPDX-License-Identifier: Apache-2.0
// conda-containerize with the solver and installer of py-rattler, whose words rattler-conda.py makes those of micromamba,
// from a channel that is made by hand. conda, mamba, micromamba and pixi themselves, and public channels, are not tried.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import type { CommandResult } from '../support/command.ts';
import { sha256, startFakeServer } from '../support/fake-registry.ts';
import { realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeChannel } from './conda-channel.ts';
import { installSolver } from './conda-solver.ts';
import { wrapNeeds, writeFiles } from './installations.ts';
import { pipVariables } from './python-projects.ts';

const authorities = '/etc/ssl/certs/ca-certificates.crt';

await suite(
  'conda-containerize',
  {
    skip: needs({
      ...wrapNeeds,
      commands: [...wrapNeeds.commands, 'gcc', 'bzip2', 'mmdebstrap', 'umoci', authorities],
    }),
  },
  () => {
    let user: TestUser;
    let reason: string | false = false;
    let installed: string;
    let channel: string;
    let env: Readonly<Record<string, string>>;
    before(async () => {
      user = await acquireTestUser();
      reason = await installSolver(user);
      if (reason !== false) return;
      channel = await makeChannel(user, user.makeDirectory('channel'));
      env = { ...pipVariables, PATH: `${user.home}/tools:${user.env['PATH']}`, TEST_CHANNEL: channel };
      installed = join(user.home, 'installed');
      await writeFiles(user, user.home, {
        'conda_env.yaml': `channels:\n  - ${channel}\ndependencies:\n  - puretool\n  - placed\n`,
      });
      await user.runOk(['conda-containerize', 'new', '--prefix', installed, 'conda_env.yaml'], { env });
    });
    const check = (name: string, body: () => Promise<void>): void => {
      test(name, async (context) => {
        if (reason !== false) context.skip(reason);
        else await body();
      });
    };
    const program = (name: string): string => join(installed, 'bin', name);

    check('compiled packages know the place where they are installed', async () => {
      assert.equal(await user.runOk([program('place')]), `placed in ${installed}\n`);
      assert.equal(await user.runOk([program('place-script')]), `script in ${installed}\n`);
    });

    check('packages for any machine get their scripts', async () => {
      assert.equal(await user.runOk([program('puretool'), 'a b']), `pure ${installed} ['a b']\n`);
    });

    check('what was solved for is there, with what it depends on', async () => {
      const listed = await user.runOk([program('list-packages')]);
      for (const name of ['placed-1.0-0', 'puretool-1.0-0', 'python-3.11.2-0', 'settings-2.0-0']) {
        assert.ok(listed.includes(name), listed);
      }
    });

    check('activation is applied as the scripts of the packages would do it', async () => {
      const show = 'env | grep -E "^(SETTINGS_|CONDA_|PATH=)" | sort';
      const shown = async (more: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> => {
        const text = await user.runOk([program('_debug_exec'), 'sh', '-c', show], { env: more });
        return Object.fromEntries(
          text
            .trim()
            .split('\n')
            .map((line) => line.split(/=(.*)/s).slice(0, 2)),
        );
      };
      const plain = await shown({});
      assert.deepEqual(
        { ...plain, PATH: '' },
        {
          CONDA_DEFAULT_ENV: 'env1',
          CONDA_PREFIX: installed,
          CONDA_PROMPT_MODIFIER: '(env1) ',
          CONDA_SHLVL: '1',
          PATH: '',
          SETTINGS_HOME: `${installed}/share/settings`,
          SETTINGS_MODE: 'usual',
          SETTINGS_PATH: `${installed}/lib/settings`,
        },
      );
      assert.equal(plain['PATH'], `${installed}/bin:${user.env['PATH']}`);
      const set = await shown({ SETTINGS_PATH: '/mine', SETTINGS_MODE: 'own', SETTINGS_OLD: 'x' });
      assert.equal(set['SETTINGS_PATH'], `${installed}/lib/settings:/mine`);
      assert.equal(set['SETTINGS_MODE'], 'own');
      assert.equal(set['SETTINGS_OLD'], undefined);
      assert.equal((await shown({ CW_NO_CONDA_ACTIVATE: '1' }))['CONDA_PREFIX'], undefined);
    });

    check('through a virtual environment nothing is activated, unless that is wanted', async () => {
      await user.runOk([
        'sh',
        '-c',
        `mkdir -p ve/bin && touch ve/pyvenv.cfg && ln -s ${program('_debug_exec')} ve/bin/exec`,
      ]);
      const ask = async (more: Readonly<Record<string, string>>): Promise<string> =>
        await user.runOk(['ve/bin/exec', 'sh', '-c', 'echo "${CONDA_PREFIX:-none} $PATH"'], { env: more });
      assert.match(await ask({}), /^none \//);
      assert.match(
        await ask({ CW_FORCE_CONDA_ACTIVATE: '1' }),
        new RegExp(`^${installed} ${user.home}/ve/bin:${installed}/bin:`),
      );
    });

    check('an update by a script: conda install, with a wrapper for what it brings', async () => {
      await writeFiles(user, user.home, { 'post.sh': `conda install later --channel ${channel}\n` });
      await user.runOk(['conda-containerize', 'update', '--post-install', 'post.sh', installed], { env });
      assert.equal(await user.runOk([program('later')]), 'later\n');
      assert.equal(await user.runOk([program('place')]), `placed in ${installed}\n`);
      await writeFiles(user, user.home, { 'post.sh': 'conda remove later\n' });
      await user.runOk(['conda-containerize', 'update', '--post', 'post.sh', installed], { env });
      assert.equal(existsSync(program('later')), false);
    });

    check('the same is made again from its record', async () => {
      const again = join(user.home, 'again');
      await user.runOk(['slipway', 'wrap', 'rebuild', installed, again], { env });
      assert.equal(await user.runOk(['slipway', 'wrap', 'compare', installed, again]), '');
      assert.equal(await user.runOk([join(again, 'bin/place')]), `placed in ${again}\n`);
      const shown = await user.runOk(['slipway', 'wrap', 'show', installed]);
      assert.ok(shown.includes(`placed 1.0 0  ${channel}/linux-64/placed-1.0-0.tar.bz2`), shown);
    });

    check('moved, its Python and its scripts go on working', async () => {
      const moved = join(user.home, 'moved');
      await user.runOk(['cp', '-a', installed, moved]);
      await user.runOk(['mv', installed, `${installed}.away`]);
      assert.equal(await user.runOk([join(moved, 'bin/puretool')]), `pure ${moved} []\n`);
      // What a package keeps of the place where it was installed stays that.
      assert.equal(await user.runOk([join(moved, 'bin/place')]), `placed in ${installed}\n`);
      await user.runOk(['mv', `${installed}.away`, installed]);
    });

    check('the site says what installs; the user’s own settings of conda hold only if he says so', async () => {
      await writeFiles(user, user.home, {
        'site.yaml': `defaults:\n  conda_url: ${user.home}/tools/micromamba\n  env_name: mine\n`,
        '.condarc': 'channels: [own]\n',
        'look.sh': 'cat ~/.condarc > "$env_root/condarc"\n',
      });
      const site = { ...env, PATH: user.env['PATH'] ?? '', CW_GLOBAL_YAML: join(user.home, 'site.yaml') };
      const words = ['conda-containerize', 'new', '--post-install', 'look.sh', '--prefix', join(user.home, 'of-site')];
      const look = [
        join(user.home, 'of-site/bin/_debug_exec'),
        'sh',
        '-c',
        'echo $CONDA_DEFAULT_ENV; cat $CONDA_PREFIX/condarc',
      ];
      await user.runOk([...words, 'conda_env.yaml'], { env: site });
      assert.equal(await user.runOk(look), 'mine\n');
      await user.runOk([...words, 'conda_env.yaml'], { env: { ...site, CW_ENABLE_CONDARC: '1' } });
      assert.equal(await user.runOk(look), 'mine\nchannels: [own]\n');
    });

    check('an installer is fetched, is what its digest says, and installs', async () => {
      const tool = readFileSync(join(user.home, 'tools/micromamba'));
      const files: Readonly<Record<string, Buffer>> = {
        // As Miniforge's: -b asks nothing, -p says where to.
        '/Distribution.sh': Buffer.from(
          `#!/bin/bash\nset -eu; [ "$1 $2" = "-b -p" ]; mkdir -p "$3/bin"; cp ${user.home}/tools/micromamba "$3/bin/conda"\n`,
        ),
        '/latest/micromamba': tool,
        '/packed': await packed(user, 'tools/micromamba', 'bin/micromamba'),
      };
      const server = await startFakeServer(({ url }, response) => {
        const bytes = files[url];
        if (url.startsWith('/moved/')) response.writeHead(302, { location: url.slice('/moved'.length) }).end();
        else if (bytes === undefined) return false;
        else response.end(bytes);
        return true;
      });
      const wrapWith = async (path: string, digest: string): Promise<CommandResult> => {
        const site = { conda_url: `http://${server.address}${path}`, conda_sha256: digest };
        await writeFiles(user, user.home, { 'fetching.yaml': JSON.stringify({ defaults: site }) });
        const fetching = { ...env, PATH: user.env['PATH'] ?? '', CW_GLOBAL_YAML: join(user.home, 'fetching.yaml') };
        return await user.run(['conda-containerize', 'new', '--prefix', 'fetched', 'conda_env.yaml'], {
          env: fetching,
        });
      };
      for (const path of ['/Distribution.sh', '/moved/latest/micromamba', '/packed']) {
        const bytes = files[path.replace('/moved', '')] ?? Buffer.alloc(0);
        const { status, stdout, stderr } = await wrapWith(path, sha256(bytes));
        assert.equal(status, 0, stdout + stderr);
        assert.equal(await user.runOk([join(user.home, 'fetched/bin/place')]), `placed in ${user.home}/fetched\n`);
      }
      const refusals: readonly (readonly [path: string, digest: string, said: RegExp])[] = [
        ['/latest/micromamba', '0'.repeat(64), /its SHA-256 is [0-9a-f]{64}, not 0{64}/],
        ['/gone', '', /the server answered 404/],
      ];
      for (const [path, digest, said] of refusals) {
        const { status, stdout } = await wrapWith(path, digest);
        assert.deepEqual([status, said.test(stdout)], [1, true], stdout);
      }
      const open = { 'open.yaml': 'defaults: {conda_url: "http://192.0.2.1/Miniforge3.sh"}\n' };
      await writeFiles(user, user.home, open);
      const words = ['conda-containerize', 'new', '--prefix', 'fetched', 'conda_env.yaml'];
      const refused = await user.run(words, { env: { ...env, CW_GLOBAL_YAML: join(user.home, 'open.yaml') } });
      assert.match(refused.stdout, /without TLS whoever is on the way can exchange it/);
      assert.equal(await user.runOk([join(user.home, 'fetched/bin/place')]), `placed in ${user.home}/fetched\n`);
    });

    check('in an image, apart from the machine', async () => {
      const config = { conda_url: join(user.home, 'tools/micromamba') };
      await writeFiles(user, user.home, { 'tool.yaml': JSON.stringify(config) });
      const target = join(user.home, 'in-image');
      const words = ['slipway', 'wrap', 'conda', target, '--file', 'conda_env.yaml', '--config', 'tool.yaml'];
      // rattler wants certificates of authorities even for file://, and the image has none.
      const copy = join(user.home, 'certificates.crt');
      await user.runOk(['cp', authorities, copy]);
      const image = await realImage('debian-python');
      await user.runOk([...words, '--image', image], { env: { ...env, SSL_CERT_FILE: copy } });
      const text = 'import os, sys; print(sys.prefix, os.path.exists("/usr/bin/gcc"))';
      assert.equal(await user.runOk([join(target, 'bin/python'), '-c', text]), `${target} False\n`);
      assert.equal(await user.runOk([join(target, 'bin/place')]), `placed in ${target}\n`);
    });

    check('what can not be solved is said, and nothing is left', async () => {
      await writeFiles(user, user.home, {
        'bad.yaml': `channels:\n  - ${channel}\ndependencies:\n  - there-is-no-such-package\n`,
      });
      const { status, stderr } = await user.run(['conda-containerize', 'new', '--prefix', 'bad', 'bad.yaml'], { env });
      assert.equal(status, 1);
      assert.match(stderr, /there-is-no-such-package/);
      assert.equal(existsSync(join(user.home, 'bad/bin')), false);
    });
  },
);

/** A program as its makers publish it: a tar file with bzip2. */
async function packed(user: TestUser, path: string, name: string): Promise<Buffer> {
  const make = 'mkdir -p packing/bin && cp "$1" "packing/$2" && tar -C packing -cjf packed.tar.bz2 "$2"';
  await user.runOk(['sh', '-euc', make, 'sh', path, name]);
  return readFileSync(join(user.home, 'packed.tar.bz2'));
}
