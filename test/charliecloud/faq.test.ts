// SPDX-License-Identifier: Apache-2.0
// What Charliecloud's FAQ says of ch-run, as it says it: messages, rights that are none, terminals, read-only images.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import { imageCommands } from '../run/images.ts';
import { run } from '../support/command.ts';
import { isRoot, needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { makePlayground } from './playground.ts';

const skip = needs({
  commands: [...imageCommands, 'script', 'unshare'],
  userNamespaces: true,
  fuse: true,
});

suite("the FAQ's cases", { skip }, async () => {
  const user = await acquireTestUser();
  await makePlayground(user);
  const shell = (script: string): Promise<string> => user.runOk(['sh', '-euc', script]);

  test('a message has all its parts, and its place is one in the source', async () => {
    const child = await user.run(['sh', '-c', 'ch-run foo -- echo hello & echo $!; wait $!']);
    const form = /^ch-run\[(\d+)\]: error: can't find image: foo: No such file or directory \(([\w.-]+):(\d+) 2\)$/m;
    const [, pid, file = '', line] = form.exec(child.stderr) ?? [];
    assert.equal(pid, child.stdout.trim(), 'the process that would have become the command');
    const path = resolve(import.meta.dirname, '../../src/faces/charliecloud/ch-run', file);
    assert.ok(existsSync(path), file);
    assert.match(readFileSync(path, 'utf8').split('\n')[Number(line) - 1] ?? '', /charliecloud-image-missing/);
    const late = await user.run(['ch-run', 'img', '--', 'nosuch']);
    assert.match(
      late.stderr,
      /^ch-run\[\d+\]: error: can't execve\(2\): nosuch: No such file or directory \(program\.c:\d+ 2\)$/m,
    );
  });

  test('what is said heeds -v and -q, and warnings are said again at the end', async () => {
    const said = async (options: string): Promise<readonly string[]> => {
      const { stderr } = await user.run(['ch-run', ...options.split(' ')]);
      return stderr
        .split('\n')
        .filter((line) => line.startsWith('ch-run['))
        .map((line) => line.replace(/^ch-run\[\d+\]: (.*?)(?: \(\S+\.ts:\d+\))?$/, '$1'));
    };
    const again = ['warning: warning', 'warning: reprinting first 1 warning(s)', 'warning: warning'];
    assert.deepEqual(await said('-vvv --test=log'), ['trace', 'debug', 'verbose', 'info', ...again]);
    assert.deepEqual(await said('-v --test=log'), ['verbose', 'info', ...again]);
    assert.deepEqual(await said('--test=log'), ['info', ...again]);
    assert.deepEqual(await said('-q --test=log'), again);
    assert.deepEqual(await said('-qq --test=log'), []);
    assert.deepEqual(await said('-qqq --test=log-fail'), ['error: the program failed inexplicably']);
    assert.deepEqual(await said('-qq --warnings=2'), []);
    assert.deepEqual(await said('-qq --no-home img -- true'), []);
    const hundred = await said('--warnings=100');
    const [, kept] = /reprinting first (\d+) warning/.exec(hundred[100] ?? '') ?? [];
    assert.ok(Number(kept) > 10 && Number(kept) < 100, `${kept} of 100 fit into what is kept`);
    assert.equal(hundred.length, 101 + Number(kept));
  });

  test('--uid 0 reads what is mine and closed to me, and nothing else', async () => {
    await shell('echo surprise > cantreadme; chmod 000 cantreadme');
    const cat = (...options: string[]): ReturnType<typeof user.run> =>
      user.run(['ch-run', ...options, '-b', '.:/mnt/0', 'img', '--', 'cat', '/mnt/0/cantreadme']);
    assert.notEqual((await cat()).status, 0);
    assert.equal((await cat('--uid', '0')).stdout, 'surprise\n');
    const others = await user.run(['ch-run', '--uid', '0', '-b', '/etc:/mnt/0', 'img', '--', 'cat', '/mnt/0/shadow']);
    assert.notEqual(others.status, 0);
  });

  test('ping may not, whoever one is inside', async () => {
    for (const options of [[], ['--uid=0']]) {
      const { status, stderr } = await user.run(['ch-run', ...options, 'img', '--', 'ping', '-c1', '127.0.0.1']);
      assert.notEqual(status, 0);
      assert.match(stderr, /permission denied|Operation not permitted/i);
    }
  });

  test('a terminal can be given to group 5 with --gid=5 only', async () => {
    const give = (options: string): Promise<string> =>
      shell(
        `script -qec 'chmod 620 $(tty); ch-run ${options} img -- sh -c "chown $(id -u):5 $(tty) && echo given || echo refused"' /dev/null`,
      );
    assert.match(await give(''), /refused/);
    assert.match(await give('--gid=5'), /given/);
  });

  test(
    'an image on a file system with flags of its own is read-only all the same',
    { skip: isRoot() ? false : 'root: mounts' },
    async () => {
      const script = `mount -t tmpfs -o nosuid,nodev,noatime,mode=0777 none "$1"; cp -a ${user.home}/img "$1/img"
      mount -o remount,bind,nosuid,nodev,noatime "$1"; cd /; shift; exec "$@"`;
      const mounted = user.makeDirectory('flags');
      const words = ['ch-run', `${mounted}/img`, '--', 'sh', '-c', 'touch /x; grep " / " /proc/mounts'];
      const result = await run(['unshare', '-m', 'sh', '-euc', script, 'sh', mounted, ...user.command(words)], {
        env: { ...user.env },
      });
      assert.match(result.stderr, /Read-only file system/);
      assert.match(result.stdout, / \/ tmpfs ro,nosuid,nodev,noatime/);
    },
  );

  test('an application that wants to write to /var/log', async () => {
    await shell('mkdir -p img/var/log; ln -sfn /tmp/logs img/var/linked; mkdir -p logs');
    assert.notEqual((await user.run(['ch-run', 'img', '--', 'touch', '/var/log/x'])).status, 0);
    assert.equal((await user.run(['ch-run', '-W', 'img', '--', 'touch', '/var/log/x'])).status, 0);
    assert.equal(await shell('ls img/var/log | grep -c ^x || :'), '0\n');
    const linked = await user.run(['ch-run', 'img', '--', 'sh', '-c', 'mkdir -p /tmp/logs && touch /var/linked/x']);
    assert.equal(linked.status, 0, linked.stderr);
  });

  test('ch-run is the command: its process, its files, its signals', async () => {
    const said = await shell(`exec 7<notes.txt; sh -c 'echo $$; exec ch-run img -- sh -c "echo \\$\\$; cat <&7"'`);
    const [before, inside, text] = said.split('\n');
    assert.equal(inside, before);
    assert.equal(text, 'no image');
    const trapped = await user.run(['sh', '-c', 'trap "" INT; ch-run img -- sh -c "kill -INT \\$\\$; echo alive"']);
    assert.equal(trapped.stdout, 'alive\n');
  });
});
