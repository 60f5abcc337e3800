// SPDX-License-Identifier: Apache-2.0
// Options of `sarus run` that need more than an image: a terminal, an init of the site's, the site's own repository; and
// the hooks that are told of the time and of which program is run.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { talkWith } from '../run/talk.ts';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeBundle, makeRoot } from '../hooks/containers.ts';
import { makeSite, type Site } from './site.ts';

const skip = needs({
  commands: ['umoci', 'mmdebstrap', 'squashfuse_ll', 'runc', 'script', '/usr/bin/tini-static'],
  root: true,
  fuse: true,
});

describe('sarus run', { skip }, () => {
  let user: TestUser;
  let site: Site;
  let central: string;
  const sarus = (...words: readonly string[]): Promise<CommandResult> =>
    user.run(['sarus', ...words], { env: site.env });

  before(async () => {
    user = await acquireTestUser();
    // Root fills it, and people run what is in it.
    site = makeSite(user);
    central = join(site.directory, 'central');
    mkdirSync(central, { mode: 0o755 });
    site = makeSite(user, { centralizedRepositoryDir: central });
    await site.load('busybox', 'busybox');
  });

  it('-t gives the program the terminal that sarus has: its name, its size, and its interrupt', async () => {
    const script =
      'tty; test -t 0 && test -t 1 && test -t 2 && echo all; stty size; trap "echo caught; exit 9" INT; echo ready; while sleep 0.1; do :; done';
    const words = ['sarus', 'run', '-t', 'busybox', 'sh', '-c', script].map((word) => `'${word}'`).join(' ');
    const talk = talkWith(user, ['script', '-qec', `stty rows 31 cols 97; exec ${words}`, '/dev/null'], {
      env: site.env,
    });
    const lines: string[] = [];
    for (let line = await talk.line(); line !== undefined; line = await talk.line()) {
      lines.push(line.replace('\r', ''));
      if (line.startsWith('ready')) talk.tell('\x03');
    }
    const [name = '', ...rest] = lines;
    assert.match(name, /^\/dev\/pts\/\d+$/);
    assert.equal(
      rest
        .filter((line) => line !== '')
        .join(' ')
        .replace('^C ', '^C'),
      'all 31 97 ready ^Ccaught',
    );
    assert.equal((await talk.end).status, 9);
    // Where there is none, as in a batch job, the program has none either.
    assert.equal((await sarus('run', '-t', 'busybox', 'sh', '-c', 'test -t 0 || echo none')).stdout, 'none\n');
  });

  it('--init puts the site’s init before the program, which takes care of orphans and hands signals on', async () => {
    const script = [
      'tr "\\0" " " </proc/$PPID/cmdline; echo; echo $TINI_SUBREAPER',
      // An orphan, and who is above it now.
      '(sleep 2 & echo $! >/orphan)',
      '[ $(cut -d" " -f4 /proc/$(cat /orphan)/stat) = $PPID ] && echo adopted',
      'trap "exit 6" TERM; kill -TERM $PPID; while sleep 0.1; do :; done',
    ].join('\n');
    for (const pid of ['--pid=host', '--pid=private']) {
      const { status, stdout, stderr } = await sarus('run', '--init', pid, 'busybox', 'sh', '-c', script);
      assert.equal(status, 6, `${pid}: ${stderr}`);
      const [init = '', ...rest] = stdout.split('\n').filter((line) => !/^ *(?:\(|\[|trap|$)/.test(line));
      assert.match(init, /^\/dev\/init -- sh -c /, pid);
      assert.deepEqual(rest, ['1', 'adopted'], pid);
    }
    const none = makeSite(user, { initPath: '/nowhere/init' });
    await none.load('busybox', 'busybox');
    const refused = await user.run(['sarus', 'run', '--init', 'busybox', 'true'], { env: none.env });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /\/nowhere\/init/);
  });

  it('--centralized-repository runs images that only the site can put there', async () => {
    const env = { ...site.env, PATH: user.env['PATH'] ?? '', HOME: '/root' };
    const layout = await realImage('busybox');
    assert.equal((await sarus('run', '--centralized-repository', 'site/tool', 'true')).status, 1);
    await runOk(['sarus', 'load', '--centralized-repository', layout, 'site/tool'], { env });
    const listed = await sarus('images', '--centralized-repository');
    assert.match(listed.stdout, /^site\/tool +latest /m);
    assert.doesNotMatch((await sarus('images')).stdout, /site\/tool/);
    const words = ['busybox', 'echo', 'runs'];
    assert.equal((await sarus('run', '--centralized-repository', 'site/tool', ...words.slice(1))).stdout, 'runs\n');
    // Each repository has its own.
    assert.equal((await sarus('run', '--centralized-repository', ...words)).status, 1);
    assert.equal((await sarus('run', ...words)).stdout, 'runs\n');
    for (const refused of [
      ['load', '--centralized-repository', layout, 'site/own'],
      ['rmi', '--centralized-repository', 'site/tool'],
    ]) {
      const { status, stderr } = await sarus(...refused);
      assert.equal(status, 1, refused.join(' '));
      assert.match(stderr, /EACCES|permission denied/i, refused.join(' '));
    }
    assert.equal((await sarus('run', '--centralized-repository', 'site/tool', ...words.slice(1))).stdout, 'runs\n');
    const removed = await run(['sarus', 'rmi', '--centralized-repository', 'site/tool'], { env });
    assert.equal(removed.status, 0, removed.stderr);
    assert.equal((await sarus('run', '--centralized-repository', 'site/tool', 'true')).status, 1);
  });

  it('goes by which program is run where a hook asks for it, whatever its words', async () => {
    site.writeHook('10-command', {
      version: '1.0.0',
      hook: {
        path: '/opt/sarus/bin/mount_hook',
        args: ['mount_hook', '--mount=type=bind,src=/usr/share,dst=/by/command'],
      },
      when: { commands: ['.*/ls', 'sh'] },
      stages: ['createContainer'],
    });
    const look = 'ls -d /by/command 2>/dev/null || echo none';
    assert.equal((await sarus('run', 'busybox', 'sh', '-c', look)).stdout, '/by/command\n');
    assert.equal((await sarus('run', 'busybox', '/bin/ls', '-d', '/by/command')).stdout, '/by/command\n');
    assert.notEqual((await sarus('run', 'busybox', 'ls', '-d', '/by/command')).status, 0);
    assert.equal((await sarus('run', 'busybox', '/bin/sh', '-c', look)).stdout, 'none\n');
    assert.equal((await sarus('run', 'busybox', 'true')).status, 0);
  });
});

describe('timestamp_hook', { skip }, () => {
  const line = /^\[(\d+)\.(\d+)\] \[\d+\] \[hook\] \[INFO\] Timestamp hook: (.*)$/;
  const parse = (text: string): readonly { readonly ns: bigint; readonly message: string }[] =>
    text
      .trim()
      .split('\n')
      .map((each) => {
        const [, seconds = '', ns = '', message = ''] = line.exec(each) ?? assert.fail(each);
        return { ns: BigInt(seconds) * 1_000_000_000n + BigInt(ns), message };
      });

  it('writes the time of each stage into the file that the container names, as the user', async () => {
    const user = await acquireTestUser();
    const site = makeSite(user);
    await site.load('busybox', 'busybox');
    for (const stage of ['createRuntime', 'createContainer', 'poststart']) {
      site.writeHook(`10-${stage}`, {
        version: '1.0.0',
        hook: { path: '/opt/sarus/bin/timestamp_hook', env: [`TIMESTAMP_HOOK_MESSAGE=at ${stage}`] },
        when: { always: true },
        stages: [stage],
      });
    }
    const log = join(user.home, 'times');
    const words = ['sarus', 'run', 'busybox', 'sleep', '1'];
    await user.runOk(words, { env: { ...site.env, TIMESTAMP_HOOK_LOGFILE: log } });
    const times = parse(readFileSync(log, 'utf8'));
    assert.deepEqual(
      times.map(({ message }) => message),
      ['at createRuntime', 'at createContainer', 'at poststart'],
    );
    assert.ok(times.every(({ ns }, index) => index === 0 || ns >= (times[index - 1]?.ns ?? 0n)));
    assert.ok(
      times.every(({ ns }) => ns <= process.hrtime.bigint()),
      'the monotonic clock',
    );
    assert.equal(statSync(log).uid, user.uid);
    // A container that names none has nothing written.
    await user.runOk(words, { env: site.env });
    assert.equal(parse(readFileSync(log, 'utf8')).length, 3);
  });

  it('does the same under runc, with the rights of the container’s user', async () => {
    const user = await acquireTestUser();
    const [log, closed] = [join(user.home, 'times'), '/root/slipway-times'];
    const bundle = async (file: string): Promise<CommandResult> => {
      const path = join(user.prefix, 'bin/timestamp_hook');
      const hook = { path, args: ['timestamp_hook'], env: ['TIMESTAMP_HOOK_MESSAGE=here'] };
      const { run: start } = await makeBundle({
        root: await makeRoot(),
        args: ['true'],
        hooks: { createRuntime: [hook] },
        process: {
          user: { uid: user.uid, gid: user.gid },
          capabilities: {},
          env: ['PATH=/bin', `TIMESTAMP_HOOK_LOGFILE=${file}`],
        },
      });
      return await start('runc');
    };
    chmodSync(user.home, 0o755);
    const { status, stderr } = await bundle(log);
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      parse(readFileSync(log, 'utf8')).map(({ message }) => message),
      ['here'],
    );
    assert.equal(statSync(log).uid, user.uid);
    assert.equal((await bundle(closed)).status, 1, 'root’s own directory is not the user’s to write to');
  });
});
