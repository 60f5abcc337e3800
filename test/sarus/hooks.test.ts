// SPDX-License-Identifier: Apache-2.0
// Hooks that are programs of the site's: run at their stages, in the right namespaces, with the state and nothing of the
// caller's environment; and what becomes of a container whose hook fails.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandResult } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type Site } from './site.ts';

const skip = needs({ commands: ['umoci', 'mmdebstrap', 'squashfuse_ll'], root: true, fuse: true });

/** What a hook finds, a line each, at the end of the file that its variable names. */
const recorder = `#!/bin/sh
state=$(cat)
mounts=$(readlink /proc/self/ns/mnt)
inside=$([ -e rootfs/bin/busybox ] && echo root || echo none)
[ "$1" != createContainer ] || { mkdir -p rootfs/by-hook && mount --bind /usr/share rootfs/by-hook; }
names=$(env | sed 's/=.*//' | grep -Ev '^(PWD|SHLVL|_|OLDPWD)$' | sort | tr '\\n' ' ')
echo "{\\"stage\\":\\"$1\\",\\"mounts\\":\\"$mounts\\",\\"inside\\":\\"$inside\\",\\"names\\":\\"$names\\",\\"uid\\":$(id -u),\\"cwd\\":\\"$(pwd)\\",\\"state\\":$state}" >>"$RECORD"
`;

type Found = {
  readonly stage: string;
  readonly mounts: string;
  readonly inside: string;
  readonly names: string;
  readonly uid: number;
  readonly cwd: string;
  readonly state: Readonly<Record<string, unknown>>;
};

describe('hooks of a site', { skip }, () => {
  let user: TestUser;
  let site: Site;
  let program: string;
  let record: string;

  before(async () => {
    user = await acquireTestUser();
    site = makeSite(user);
    await site.load('busybox', 'busybox');
    program = join(site.directory, 'recorder');
    writeFileSync(program, recorder);
    chmodSync(program, 0o755);
    record = join(user.home, 'record');
  });

  const write = (name: string, hook: object, stages: readonly string[]): string =>
    site.writeHook(name, { version: '1.0.0', hook, when: { annotations: { '^test$': `^${name}$` } }, stages });
  const run = async (name: string, ...words: readonly string[]): Promise<CommandResult> =>
    await user.run(['sarus', 'run', `--annotation=test=${name}`, ...words], { env: { ...site.env, NOT: 'a hook’s' } });
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 600 && !isSo(); tries += 1) await sleep(100);
    assert.ok(isSo(), 'in a minute');
  };
  const found = (): readonly Found[] =>
    existsSync(record)
      ? readFileSync(record, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Found)
      : [];

  it('are run at each stage, told of the container, and see it built where the state says', async () => {
    for (const stage of ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']) {
      site.writeHook(`10-${stage}`, {
        version: '1.0.0',
        hook: { path: program, args: ['recorder', stage], env: [`RECORD=${record}`], timeout: 60 },
        when: { annotations: { '^test$': '^stages$' } },
        stages: [stage],
      });
    }
    // In the container, with what the image has.
    const inside = { path: '/bin/sh', args: ['sh', '-c', 'cat >/state; env >/names'], env: ['OWN=1'] };
    site.writeHook('20-inside', {
      version: '1.0.0',
      hook: inside,
      when: { annotations: { '^test$': '^stages$' } },
      stages: ['startContainer'],
    });
    const script = 'cat /state; echo; grep -c NOT= /names; ls -d /by-hook/doc; id -u; exit 7';
    const { status, stdout, stderr } = await run('stages', '--name', 'mine', 'busybox', 'sh', '-c', script);
    assert.equal(status, 7, stderr);
    const [state = '', notMine, byHook, uid] = stdout.split('\n');
    assert.deepEqual([notMine, byHook, uid], ['0', '/by-hook/doc', String(user.uid)]);
    const started = JSON.parse(state) as Found['state'];
    assert.deepEqual([started['id'], started['status']], ['mine', 'created']);
    await until(() => found().length === 5);
    const all = found();
    assert.deepEqual(
      all.map(({ stage, state: { status: is }, inside: what, names }) => [stage, is, what, names]),
      [
        ['prestart', 'creating', 'none', 'RECORD '],
        ['createRuntime', 'creating', 'none', 'RECORD '],
        ['createContainer', 'creating', 'root', 'RECORD '],
        ['poststart', 'running', 'none', 'RECORD '],
        ['poststop', 'stopped', 'none', 'RECORD '],
      ],
    );
    const ours = readlinkSync('/proc/self/ns/mnt');
    for (const { stage, mounts, uid: who, cwd, state: told } of all) {
      const isInside = stage === 'createContainer';
      assert.deepEqual([mounts === ours, who], [!isInside, isInside ? 0 : user.uid], stage);
      assert.deepEqual([told['bundle'], told['id']], [cwd, 'mine'], stage);
      assert.deepEqual(told['annotations'], { 'com.hooks.logging.level': '2', 'test': 'stages' }, stage);
      assert.equal(told['pid'], stage === 'poststop' ? undefined : started['pid'], stage);
    }
    const config = JSON.parse(readFileSync(join(all[0]?.cwd ?? '', 'config.json'), 'utf8')) as {
      readonly root: { readonly path: string };
      readonly process: { readonly user: { readonly uid: number }; readonly env: readonly string[] };
      readonly annotations: Readonly<Record<string, string>>;
    };
    assert.equal(config.root.path, 'rootfs');
    assert.equal(config.process.user.uid, user.uid);
    assert.ok(config.process.env.includes('NOT=a hook’s'));
    assert.equal(config.annotations['test'], 'stages');
  });

  it('say by name and line what failed, and nothing is run then', async () => {
    const shell = (script: string, timeout = 600): object => ({ path: '/bin/sh', args: ['sh', '-c', script], timeout });
    const failed = join(user.home, 'stopped');
    const cases: readonly (readonly [string, object, string, RegExp])[] = [
      [
        'status',
        shell('echo words >&2; exit 3'),
        'createRuntime',
        /^words\nsarus: run the createRuntime hook \/bin\/sh: it ended with status 3\n/,
      ],
      [
        'signal',
        shell('kill -9 $$'),
        'startContainer',
        /^sarus: run the startContainer hook \/bin\/sh: it was ended by signal 9\n/,
      ],
      [
        'late',
        shell('exec sleep 86399', 1),
        'createContainer',
        /^sarus: run the createContainer hook \/bin\/sh: it took longer than 1 s\n/,
      ],
      [
        'gone',
        { path: '/nowhere/hook' },
        'prestart',
        /^start the hook \/nowhere\/hook: No such file or directory\nsarus: run the prestart hook/,
      ],
    ];
    for (const [name, hook, stage, words] of cases) {
      const path = write(name, hook, [stage]);
      const { status, stdout, stderr } = await run(name, 'busybox', 'echo', 'run');
      assert.deepEqual([status, stdout], [1, ''], `${name}: ${stderr}`);
      assert.match(stderr, words, name);
      assert.match(stderr, new RegExp(`asked for by: ${path}:\\d+\n`), name);
    }
    // A container that could not be made has ended all the same.
    site.writeHook('status-2', {
      version: '1.0.0',
      hook: shell(`: >${failed}`),
      when: { annotations: { '^test$': '^status$' } },
      stages: ['poststop'],
    });
    assert.equal((await run('status', 'busybox', 'true')).status, 1);
    await until(() => existsSync(failed));
    // What fails behind the program's back changes nothing for it.
    write('after', shell('exit 5'), ['poststart', 'poststop']);
    const { status, stdout } = await run('after', '--pid=private', 'busybox', 'sh', '-c', 'echo run; exit 4');
    assert.deepEqual([status, stdout], [4, 'run\n']);
  });
});
