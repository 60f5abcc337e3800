// SPDX-License-Identifier: Apache-2.0
// The mount hook in containers of real runtimes: what it mounts, whom it lets use which device, and what it makes of images
// and configurations that mean harm.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { makeBundle, makeRoot, runtimes } from './containers.ts';

const skip = needs({ commands: ['runc', 'crun', 'umoci', 'mmdebstrap', 'gcc'], root: true });

describe('mount_hook', { skip }, () => {
  let hook: string;
  let root: string;
  let host: string;
  before(async () => {
    hook = join(await slipwayPrefix(), 'bin/mount_hook');
    root = await makeRoot();
    host = temporaryDirectory();
    chmodSync(host, 0o755);
    writeFileSync(join(host, 'file'), 'of the host\n', { mode: 0o644 });
    mkdirSync(join(host, 'directory'), { mode: 0o755 });
    writeFileSync(join(host, 'directory/inner'), 'inner\n', { mode: 0o644 });
  });
  const hooksOf = (words: readonly string[], env: readonly string[] | 'absent' = []): object => ({
    createContainer: [{ path: hook, args: ['mount_hook', ...words], ...(env === 'absent' ? {} : { env }) }],
  });
  /** Calls the hook by itself, in a mount namespace of its own, with a state of our choosing. */
  const call = async (
    state: unknown,
    words: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<CommandResult> =>
    await run(['unshare', '-m', hook, ...words], {
      input: typeof state === 'string' ? state : JSON.stringify(state),
      env: { PATH: '/usr/bin:/bin', ...env },
      timeoutMs: 120_000,
    });

  it('mounts files and directories, read-only where asked, by every runtime', async () => {
    const script =
      'cat /new/place/file /dir/inner; touch /dir/x 2>&1; grep -c nosuid /proc/self/mountinfo >/dev/null; ls -ld /new /new/place/file';
    const bundle = await makeBundle({
      root,
      args: ['sh', '-c', script],
      hooks: hooksOf([
        `--mount=type=bind,src=${host}/file,dst=/new/place/file`,
        '--mount',
        `type=bind,source=${host}/directory,target=/dir,readonly`,
      ]),
      process: { user: { uid: 1000, gid: 1001 }, capabilities: {} },
    });
    for (const runtime of runtimes) {
      const { status, stdout, stderr } = await bundle.run(runtime);
      assert.equal(status, 0, `${runtime}: ${stderr}`);
      const [file, inner, touch, made] = stdout.split('\n');
      assert.deepEqual([file, inner], ['of the host', 'inner'], runtime);
      assert.match(touch ?? '', /Read-only file system/, runtime);
      assert.match(made ?? '', /^drwxr-xr-x +\d+ 1000 +1001 /, runtime);
    }
    const { stdout } = await bundle.run('runc');
    assert.match(stdout, /-rw-r--r--/);
  });

  it('lets the container use the devices it names, and no others: cgroup v1 and v2, pid namespaces private and shared', async () => {
    const open = 'head -c0 /fuse 2>&1 && echo open';
    for (const isPidShared of [false, true]) {
      const common = { root, args: ['sh', '-c', open], isPidShared } as const;
      const allowed = await makeBundle({ ...common, hooks: hooksOf(['--device=/dev/fuse:/fuse:r']) });
      const mounted = await makeBundle({ ...common, hooks: hooksOf(['--mount=type=bind,src=/dev/fuse,dst=/fuse']) });
      for (const runtime of runtimes) {
        const about = `${runtime}, pid ${isPidShared ? 'shared' : 'private'}`;
        const [yes, no] = [await allowed.run(runtime), await mounted.run(runtime)];
        assert.equal(yes.stdout, 'open\n', `${about}: ${yes.stderr}`);
        assert.match(no.stdout, /Operation not permitted/, `${about}: ${no.stderr}`);
      }
    }
  });

  it('never mounts or makes anything outside the container, whatever links the image has', async () => {
    const evil = await makeRoot();
    const outside = temporaryDirectory();
    const links: Readonly<Record<string, string>> = {
      absolute: outside,
      climbing: `../../../../../../../..${outside}`,
      dangling: '/nowhere/at/all',
      host: '/etc',
      other: '/proc/1/root',
      loop: 'loop',
      loop2: 'loop3',
      loop3: 'loop2',
    };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(evil, name));
    const before = await runOk(['find', outside]);
    for (const name of Object.keys(links)) {
      const bundle = await makeBundle({
        root: evil,
        args: ['sh', '-c', 'true'],
        hooks: hooksOf([`--mount=type=bind,src=${host}/file,dst=/${name}/made/here`]),
      });
      const { status, stderr } = await bundle.run('runc');
      assert.equal(await runOk(['find', outside]), before, name);
      if (name.startsWith('loop')) {
        assert.equal(status, 1, name);
        assert.match(stderr, /ELOOP|symbolic link/i, name);
      }
    }
    assert.ok(!existsSync('/nowhere') && !existsSync('/etc/made'));
    // What an absolute link names is made in the root, as a process inside would see it.
    assert.ok(existsSync(join(evil, outside, 'made/here')));
    assert.ok(existsSync(join(evil, 'nowhere/at/all/made/here')));
    for (const target of ['/proc/x', '/sys/x', '/dev/shm/x', '/proc', '/sys']) {
      const bundle = await makeBundle({
        root: evil,
        args: ['true'],
        hooks: hooksOf([`--mount=type=bind,src=${host}/directory,dst=${target}`]),
      });
      assert.equal((await bundle.run('runc')).status, 1, target);
    }
  });

  it('runs nothing of an image, also where the hook file names no environment', async () => {
    const evil = await makeRoot();
    const mark = join(temporaryDirectory(), 'mark');
    writeFileSync(join(evil, 'evil.js'), `require('fs').writeFileSync(${JSON.stringify(mark)}, 'x')`);
    writeFileSync(join(evil, 'ldconfig'), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    const env = [
      'PATH=/bin',
      'NODE_OPTIONS=--require ./evil.js',
      'LD_PRELOAD=./evil.so',
      `NODE_PATH=${evil}`,
      'SLIPWAY_TRACE=1',
      `XDG_RUNTIME_DIR=${evil}`,
    ];
    const args = ['sh', '-c', 'cat /new'];
    const hooks = hooksOf(
      [`--mount=type=bind,src=${host}/file,dst=/new`, `--mount=type=bind,src=${host}/file,dst=/x${Date.now()}`],
      'absent',
    );
    const bundle = await makeBundle({ root: evil, args, hooks, process: { env } });
    const { status, stdout, stderr } = await bundle.run('runc');
    assert.deepEqual([status, stdout], [0, 'of the host\n'], stderr);
    // A program that the image's variables name is not run: it is not root's alone.
    const named = await makeBundle({
      root: evil,
      args,
      hooks,
      process: { env: [...env, `LDCONFIG_PATH=${evil}/ldconfig`] },
    });
    const refused = await named.run('runc');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /LDCONFIG_PATH/);
    assert.ok(!existsSync(mark));
  });

  it('replaces <FI_PROVIDER_PATH> by one directory, whatever stands in the variable', async () => {
    const cases: readonly (readonly [string | undefined, string | undefined])[] = [
      ['/opt/a', '/opt/a/lib.so'],
      ['/opt/a:/opt/b', '/opt/a/lib.so'],
      ['@/opt/c', '/opt/c/lib.so'],
      ['+/opt/file.so:/opt/d', '/opt/d/lib.so'],
      ['/opt/$&/$1', '/opt/$&/$1/lib.so'],
      ['/opt/e,readonly', '/opt/e,readonly/lib.so'],
      ['/opt/f=g', '/opt/f=g/lib.so'],
      ['relative', undefined],
      ['', '/usr/lib/lib.so'],
      [undefined, '/usr/lib/lib.so'],
    ];
    for (const [value, expected] of cases) {
      const bundle = await makeBundle({
        root,
        args: ['sh', '-c', 'cat "$WANTED"; : >>"$WANTED" && echo writable'],
        hooks: hooksOf(
          [`--mount=type=bind,src=${host}/file,dst=<FI_PROVIDER_PATH>/lib.so`],
          ['FI_PROVIDER_PATH=/not/this'],
        ),
        process: {
          env: [
            'PATH=/bin',
            `WANTED=${expected ?? ''}`,
            ...(value === undefined ? [] : [`FI_PROVIDER_PATH=${value}`, 'FI_PROVIDER_PATH=/later']),
          ],
        },
      });
      const { status, stdout, stderr } = await bundle.run('runc');
      if (expected === undefined) assert.match(stderr, /is not absolute/);
      else assert.deepEqual([status, stdout], [0, 'of the host\nwritable\n'], `${value}: ${stderr}`);
    }
  });

  it('ends with 1 and a reason for states and configurations that are wrong, and with nothing mounted', async () => {
    const directory = temporaryDirectory();
    const config = (value: unknown): void =>
      writeFileSync(join(directory, 'config.json'), typeof value === 'string' ? value : JSON.stringify(value));
    const right = { root: { path: root }, process: { user: { uid: 0, gid: 0 } } };
    config(right);
    const state = { ociVersion: '1.0.2', id: 'x', pid: 0, bundle: directory };
    assert.equal((await call(state)).status, 0);
    const states: readonly unknown[] = [
      '',
      '{',
      '[]',
      'null',
      '{"bundle":1}',
      { bundle: 'relative' },
      { bundle: '/nowhere' },
      {},
      '{"bundle":"/a\\u0000b"}',
      `{"bundle":${'['.repeat(5000)}`,
    ];
    for (const wrong of states) {
      const { status, stderr } = await call(wrong, [`--mount=type=bind,src=${host}/file,dst=/never`]);
      assert.deepEqual(
        [status, stderr.startsWith('mount_hook: ')],
        [1, true],
        `${JSON.stringify(wrong).slice(0, 60)}: ${stderr}`,
      );
    }
    const configs: readonly unknown[] = [
      '',
      '[1',
      {},
      { root: {} },
      { root: { path: '' }, process: right.process },
      { root: { path: '/no/such/root' }, process: right.process },
      { root: { path: join(host, 'file') }, process: right.process },
      { root: right.root },
      { root: right.root, process: { user: { uid: -1, gid: 0 } } },
      { root: right.root, process: { user: { uid: 1e30, gid: 0 } } },
      { root: right.root, process: { user: { uid: '0', gid: 0 } } },
      `{"root":{"path":"${root}"},"process":{"user":{"uid":0,"gid":0}}} trailing {`,
    ];
    for (const wrong of configs) {
      config(wrong);
      const { status, stderr } = await call(state, [`--mount=type=bind,src=${host}/file,dst=/never`]);
      assert.deepEqual([status, stderr.startsWith('mount_hook: ')], [1, true], `${JSON.stringify(wrong)}: ${stderr}`);
    }
    config(right);
    for (const words of [
      ['--foo=1'],
      ['--mount='],
      ['--mount'],
      ['-mount=x'],
      ['--m'],
      ['--=x'],
      ['--mount', ''],
      ['--device='],
      ['--device=/etc/passwd'],
      ['--device=/nowhere'],
    ]) {
      const { status, stderr } = await call(state, [`--mount=type=bind,src=${host}/file,dst=/never`, ...words]);
      assert.equal(status, 1, words.join(' '));
      assert.match(stderr, /^mount_hook: /, words.join(' '));
    }
    const absent = existsSync(join(root, 'never')) && statSync(join(root, 'never')).size > 0;
    assert.ok(!absent);
    assert.equal((await call(state, ['stray', `--mou=type=bind,src=${host}/file,dst=/fresh`, 'word'])).status, 0);
  });

  it('reads sources as the container’s user', async () => {
    writeFileSync(join(host, 'secret'), 'x', { mode: 0o600 });
    mkdirSync(join(host, 'closed'), { mode: 0o700 });
    writeFileSync(join(host, 'closed/file'), 'x', { mode: 0o644 });
    writeFileSync(join(host, 'of-a-group'), 'group\n', { mode: 0o644 });
    mkdirSync(join(host, 'group'), { mode: 0o750 });
    writeFileSync(join(host, 'group/file'), 'group\n', { mode: 0o644 });
    await runOk(['chgrp', '4321', join(host, 'group')]);
    const attempt = async (source: string, user: object): Promise<CommandResult> => {
      const bundle = await makeBundle({
        root,
        args: ['cat', '/seen'],
        hooks: hooksOf([`--mount=type=bind,src=${source},dst=/seen`]),
        process: { user, capabilities: {} },
      });
      return await bundle.run('runc');
    };
    const user = { uid: 1000, gid: 1000 };
    const closed = await attempt(join(host, 'closed/file'), user);
    assert.equal(closed.status, 1);
    assert.match(closed.stderr, /EACCES/);
    assert.equal((await attempt(join(host, 'group/file'), user)).status, 1);
    const member = await attempt(join(host, 'group/file'), { ...user, additionalGids: [4321] });
    assert.deepEqual([member.status, member.stdout], [0, 'group\n'], member.stderr);
  });

  it('says where an annotation asks it to what it has to say', async () => {
    const log = join(temporaryDirectory(), 'log');
    writeFileSync(log, '');
    const bundle = await makeBundle({
      root,
      args: ['true'],
      hooks: hooksOf(['--mount=type=bind,src=/nowhere,dst=/x']),
      annotations: { 'com.hooks.logging.stderrfd': log },
    });
    assert.notEqual((await bundle.run('crun')).status, 0);
    assert.match(readFileSync(log, 'utf8'), /mount_hook: open \/nowhere: .*ENOENT/);
  });

  it('makes libraries known that it brought, by an ldconfig that is root’s', async () => {
    const own = await makeRoot();
    mkdirSync(join(own, 'etc'), { recursive: true });
    const bundle = await makeBundle({
      root: own,
      args: ['sh', '-c', 'grep -c libz /etc/ld.so.cache'],
      hooks: hooksOf(
        ['--mount=type=bind,src=/lib/x86_64-linux-gnu/libz.so.1,dst=/usr/lib/libz.so.1'],
        ['LDCONFIG_PATH=/sbin/ldconfig'],
      ),
    });
    const { status, stdout, stderr } = await bundle.run('runc');
    assert.deepEqual([status, stdout], [0, '1\n'], stderr);
  });
});
