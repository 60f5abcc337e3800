// SPDX-License-Identifier: Apache-2.0
// `slipway run --hooks-dir` and `slipway bundle … --hooks-dir`: directories of hook files as podman and CRI-O have them, by
// their rules; Sarus's own hooks without a process, any other at its stage.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runtimeWords } from '../hooks/containers.ts';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeImages, writeAs } from './images.ts';

const skip = needs({
  commands: ['runc', 'crun', 'umoci', 'mmdebstrap', 'mksquashfs', 'squashfuse_ll'],
  root: true,
  fuse: true,
});

describe('slipway run --hooks-dir', { skip }, () => {
  let user: TestUser;
  let image: string;
  let squashfs: string;
  let hooks: string;
  let record: string;
  let recorder: string;

  const write = async (name: string, content: object, directory = hooks): Promise<string> => {
    const path = join(directory, `${name}.json`);
    await writeAs(user, path, JSON.stringify(content, undefined, 2));
    return path;
  };
  const clear = (): Promise<string> => user.runOk(['sh', '-c', `rm -f ${hooks}/* ${record}; touch ${record}`]);
  const slipway = (...words: readonly string[]): Promise<CommandResult> =>
    user.run(['slipway', 'run', '--hooks-dir', hooks, ...words]);
  const said = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await slipway(...words);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  /** What a hook leaves a word of, each time it is run. */
  const marking = (word: string): object => ({ path: recorder, args: ['recorder', word], env: [`RECORD=${record}`] });
  const marks = (): readonly string[] =>
    readFileSync(record, 'utf8')
      .split('\n')
      .filter((line) => line !== '');

  before(async () => {
    user = await acquireTestUser();
    ({ directory: image, squashfs } = await makeImages(user));
    hooks = join(user.home, 'hooks.d');
    record = join(user.home, 'record');
    recorder = join(user.home, 'recorder');
    await user.runOk(['mkdir', hooks]);
    await writeAs(user, recorder, '#!/bin/sh\nread -r state; echo "$1 $state" >>"$RECORD"\n');
    await user.runOk(['chmod', '755', recorder]);
  });

  it('has known hooks as mounts, without a process, and says which file and line asked', async () => {
    await clear();
    await user.runOk(['mkdir', '-p', 'tools']);
    // podman wants the program to be there; nothing starts it.
    await writeAs(user, join(user.home, 'tools/mount_hook'), '#!/bin/sh\nexit 9\n');
    const path = await write('10-mounts', {
      version: '1.0.0',
      hook: {
        path: join(user.home, 'tools/mount_hook'),
        args: [
          'mount_hook',
          '--mount=type=bind,src=/usr/share,dst=/opt/share,readonly',
          '--mount=type=bind,src=/etc/services,dst=<FI_PROVIDER_PATH>/libx-fi.so',
        ],
      },
      when: { annotations: { 'com\\.hooks\\.share': 'tr' } },
      stages: ['createContainer'],
    });
    const script = 'ls -d /opt/share/doc; ls /opt/providers; touch /opt/share/x 2>&1 | grep -o Read-only';
    for (const form of [image, squashfs]) {
      const words = ['-e', 'FI_PROVIDER_PATH=/opt/providers', form, '--', 'sh', '-c', script];
      assert.equal(
        await said('--annotation=com.hooks.share=true', ...words),
        '/opt/share/doc\nlibx-fi.so\nRead-only\n',
      );
    }
    assert.equal(await said(image, '--', 'sh', '-c', 'ls -d /opt/share 2>/dev/null || echo none'), 'none\n');
    const explained = await user.runOk([
      'slipway',
      'explain',
      'run',
      '--hooks-dir',
      'hooks.d',
      '--annotation=com.hooks.share=true',
      image,
      '--',
      'true',
    ]);
    const line =
      readFileSync(path, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('/opt/share')) + 1;
    assert.ok(explained.includes(`[${path}:${line}]`), explained);
  });

  it('runs the others at their stages, told of the container', async () => {
    await clear();
    for (const stage of ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']) {
      await write(`10-${stage}`, { version: '1.0.0', hook: marking(stage), when: { always: true }, stages: [stage] });
    }
    assert.equal(await said('--annotation=a=b', image, '--', 'sh', '-c', 'sleep 1; echo ran'), 'ran\n');
    for (let tries = 0; tries < 300 && marks().length < 5; tries += 1) await sleep(100);
    const found = marks().map((line) => line.split(' ')[0]);
    // podman runs what asks for prestart at createRuntime, in the order of the files' names.
    assert.deepEqual(found, ['createRuntime', 'prestart', 'createContainer', 'poststart', 'poststop']);
    const state = JSON.parse((marks()[0] ?? '').replace(/^\S+ /, '')) as Readonly<Record<string, unknown>>;
    assert.deepEqual([state['status'], state['annotations']], ['creating', { a: 'b' }]);
  });

  it('goes by podman’s conditions: a command that matches decides, any part of a text will do', async () => {
    await clear();
    const when = { commands: ['sh$'], hasBindMounts: true };
    await write('10-both', { version: '1.0.0', hook: marking('both'), when, stages: ['createRuntime'] });
    await write('20-old', { hook: recorder, arguments: ['old'], stages: ['createRuntime'], cmds: ['/echo'] });
    await write('30-never', {
      version: '1.0.0',
      hook: marking('never'),
      when: { hasBindMounts: false },
      stages: ['createRuntime'],
    });
    const volume = ['-v', '/usr/share:/mnt'];
    await said(image, '--', 'sh', '-c', ':');
    await said(...volume, image, '--', 'true');
    assert.deepEqual(marks(), []);
    await said(...volume, image, '--', 'sh', '-c', ':');
    await said(...volume, image, '--', 'sh', '-c', 'exit 0');
    assert.deepEqual(
      marks().map((line) => line.split(' ')[0]),
      ['both', 'both'],
    );
    // The old form has no environment: its program fails where it looks for a variable.
    const { status, stderr } = await slipway(image, '--', '/bin/echo', 'x');
    assert.equal(status, 125);
    assert.match(stderr, /run the createRuntime hook \S+recorder: it ended with status \d/);
    assert.match(stderr, /20-old\.json/);
  });

  it('takes the last of several directories where files have one name', async () => {
    await clear();
    const later = join(user.home, 'later.d');
    await user.runOk(['mkdir', '-p', later]);
    const entry = (word: string): object => ({
      version: '1.0.0',
      hook: marking(word),
      when: { always: true },
      stages: ['createRuntime'],
    });
    await write('10-same', entry('first'));
    await write('20-only', entry('only'));
    await write('10-same', entry('second'), later);
    await said('--hooks-dir=later.d', image, '--', 'true');
    assert.deepEqual(
      marks().map((line) => line.split(' ')[0]),
      ['second', 'only'],
    );
  });

  it('mounts nothing outside the image, whatever links it has at the targets', async () => {
    await clear();
    const [evil, outside] = [join(user.home, 'evil'), join(user.home, 'outside')];
    await user.runOk(['sh', '-euc', `cp -a ${image} ${evil}; mkdir -p ${outside}; touch ${outside}/own`]);
    const links = {
      absolute: outside,
      climbing: `../../../../../../../..${outside}`,
      dangling: '/nowhere/at',
      loop: 'loop',
    };
    for (const [name, target] of Object.entries(links)) {
      await user.runOk(['ln', '-s', target, join(evil, name)]);
      await write('10-mount', {
        version: '1.0.0',
        hook: {
          path: join(user.home, 'tools/mount_hook'),
          args: ['mount_hook', `--mount=type=bind,src=/etc/services,dst=/${name}/made/here`],
        },
        when: { always: true },
        stages: ['createContainer'],
      });
      const { status, stdout, stderr } = await slipway(
        '--no-home',
        evil,
        '--',
        'sh',
        '-c',
        `wc -l </${name}/made/here`,
      );
      // What leads to the host's /tmp, which the container shows, is no place to make anything.
      const reason = { absolute: /EXDEV/, climbing: /EXDEV/, loop: /ELOOP|symbolic links/ }[name];
      if (reason === undefined) assert.ok(Number(stdout) > 10, `${name}: ${stderr}`);
      else {
        assert.equal(status, 125, name);
        assert.match(stderr, reason, name);
      }
    }
    assert.equal(await user.runOk(['find', outside]), `${outside}\n${outside}/own\n`);
    assert.ok(!existsSync('/nowhere'));
  });

  it('refuses a file that can not be used, and a hook that is not there', async () => {
    for (const [content, reason] of [
      [{ version: '1.0.0', hook: { path: '/nowhere/hook' }, when: { always: true }, stages: [] }, /does not exist/],
      [{ version: '1.0.0', hook: marking('x'), when: { always: true }, stages: ['never'] }, /"never" is no stage/],
    ] as const) {
      await clear();
      await write('10-wrong', content);
      const { status, stderr } = await slipway(image, '--', 'true');
      assert.equal(status, 125);
      assert.match(stderr, reason);
    }
    await clear();
    const none = await user.run(['slipway', 'run', '--hooks-dir=/nowhere', image, '--', 'true']);
    assert.equal(none.status, 125, 'a directory that is misspelt must not mean no hooks');
    assert.match(none.stderr, /\/nowhere/);
  });

  it('writes them into a bundle, for runc and crun to run', async () => {
    const work = temporaryDirectory();
    const env = { PATH: `${user.prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: '/root', TERM: 'dumb' };
    const own = join(work, 'image.squashfs');
    await runOk([join(user.prefix, 'bin/slipway'), 'convert', `oci:${await realImage('busybox')}:latest`, own]);
    await runOk([
      'sh',
      '-c',
      `mkdir ${work}/hooks.d; : >${work}/record; cp ${recorder} ${work}/recorder; cp ${recorder} ${work}/mount_hook`,
    ]);
    const file = (name: string, hook: object, stages: readonly string[]): string =>
      `cat >${work}/hooks.d/${name}.json <<'X'\n${JSON.stringify({ version: '1.0.0', hook, when: { always: true }, stages })}\nX\n`;
    const args = ['mount_hook', '--mount=type=bind,src=/usr/share,dst=/opt/share'];
    const record = { path: `${work}/recorder`, args: ['recorder', 'ran'], env: [`RECORD=${work}/record`], timeout: 60 };
    await runOk([
      'sh',
      '-c',
      file('10-mounts', { path: `${work}/mount_hook`, args }, ['createContainer']) +
        file('20-record', record, ['createRuntime']),
    ]);
    const bundle = join(work, 'bundle');
    const words = ['run', `--hooks-dir=${work}/hooks.d`, '--annotation=a=b', own, '--', 'ls', '-d', '/opt/share/doc'];
    await runOk(['slipway', 'bundle', bundle, ...words], { env, cwd: '/' });
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
      readonly hooks: object;
      readonly annotations: Readonly<Record<string, string>>;
    };
    assert.deepEqual(config.hooks, { createRuntime: [record] });
    assert.equal(config.annotations['a'], 'b');
    for (const runtime of ['runc', 'crun'] as const) {
      const argv = await runtimeWords[runtime](join(work, runtime), `slipway-hooks-${process.pid}`);
      const { status, stdout, stderr } = await run(argv, { cwd: bundle });
      assert.deepEqual([status, stdout], [0, '/opt/share/doc\n'], `${runtime}: ${stderr}`);
    }
    assert.equal(readFileSync(join(work, 'record'), 'utf8').match(/^ran /gm)?.length, 2);
    assert.ok(!existsSync(join(bundle, 'rootfs/opt/share/doc')));
  });
});
