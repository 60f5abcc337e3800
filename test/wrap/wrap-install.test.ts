// SPDX-License-Identifier: Apache-2.0
// A directory wrapped: what is in it, how its programs are started, and where it can stand.
import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { tellingProgram, wrapNeeds, writeFiles } from './installations.ts';

await suite('wrap-install', { skip: needs(wrapNeeds) }, async () => {
  let user: TestUser;
  let source: string;
  let installed: string;
  before(async () => {
    user = await acquireTestUser();
    source = user.makeDirectory('program');
    installed = join(user.home, 'installed');
    await writeFiles(user, source, tellingProgram);
    await user.runOk(['wrap-install', '--wrapper-paths', 'bin', '--prefix', installed, source]);
  });

  test('one image, wrappers that are one file, and a little text', () => {
    assert.equal(lstatSync(join(installed, 'bin')).isSymbolicLink(), true);
    const [tell, shell] = ['tell', '_debug_shell'].map((name) => statSync(join(installed, 'bin', name)));
    assert.equal(tell?.ino, shell?.ino);
    assert.match(readlinkSync(join(installed, 'img.sqfs')), /^\.img-[0-9a-f]{8}\.sqfs$/);
    assert.ok(readdirSync(installed, { recursive: true }).length < 20);
  });

  test('words, the empty one too, reach the program as they are', async () => {
    const words = ['a b', '', "it's", '"x"', 'two\nlines', '$HOME *', '-c', '--'];
    const said = await user.runOk([join(installed, 'bin/tell'), ...words]);
    assert.equal(
      said,
      [
        `zero=${installed}/bin/tell count=${words.length}`,
        ...words.map((word) => `word=<${word}>`),
        'data of the program',
        '',
      ].join('\n'),
    );
  });

  test('status, signals, closed input and the working directory are as without a wrapper', async () => {
    const exec = join(installed, 'bin/_debug_exec');
    assert.equal((await user.run([exec, 'sh', '-c', 'exit 7'])).status, 7);
    assert.equal((await user.run(['sh', '-c', `${exec} sh -c 'kill -SEGV $$'; echo $?`])).stdout.trim(), '139');
    assert.equal((await user.run(['sh', '-c', `${exec} sh -c 'read -r x; echo $?' <&-`])).stdout.trim(), '1');
    const killed = `${exec} sleep 60 & pid=$!; sleep 0.3; kill $pid; wait $pid; echo $?`;
    assert.equal((await user.run(['bash', '-c', killed])).stdout.trim(), '143');
    const gone = `mkdir gone && cd gone && rmdir ../gone && ${exec} echo here`;
    assert.equal((await user.run(['sh', '-c', gone])).stdout.trim(), 'here');
    assert.equal((await user.run([exec, 'pwd'], { cwd: '/usr/lib' })).stdout.trim(), '/usr/lib');
  });

  test('what is wrapped can not be written to', async () => {
    const { status, stderr } = await user.run([join(installed, 'bin/_debug_exec'), 'touch', `${installed}/share/new`]);
    assert.equal(status, 1);
    assert.match(stderr, /Read-only file system/);
  });

  test('it can be moved, to a name with blanks and quotes, and copied', async () => {
    const moved = join(user.home, "moved to 'here'");
    await user.runOk(['cp', '-a', installed, moved]);
    assert.match(await user.runOk([join(moved, 'bin/tell'), 'x']), new RegExp(`^zero=${moved}/bin/tell count=1\n`));
    const again = join(user.home, 'again');
    renameSync(moved, again);
    assert.match(await user.runOk([join(again, 'bin/tell')]), /^zero=.*\/again\/bin\/tell count=0\n/);
    rmSync(again, { recursive: true });
  });

  test('it is found by a link, a relative path, PATH, and from inside itself', async () => {
    await user.runOk(['ln', '-s', join(installed, 'bin/tell'), 'linked']);
    assert.match(await user.runOk(['./linked']), /data of the program/);
    assert.match(await user.runOk(['installed/bin/tell']), /data of the program/);
    const PATH = `${installed}/bin:${user.env['PATH']}`;
    assert.match(await user.runOk(['sh', '-c', 'tell'], { env: { PATH } }), /data of the program/);
    assert.match(await user.runOk([join(installed, 'bin/_debug_exec'), `${installed}/bin/tell`]), /data of/);
  });

  test('a plan that others may write is not believed', async () => {
    const copy = join(user.home, 'open');
    cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
    chmodSync(join(copy, 'bin/.slipway-plan'), 0o666);
    const { status, stderr } = await user.run([join(copy, 'bin/tell')]);
    assert.equal(status, 125);
    assert.match(stderr, /others than the owner of this program may have written it/);
  });

  test('a failure leaves nothing: neither build files nor half an installation', async () => {
    const target = join(user.home, 'failed');
    await writeFiles(user, user.home, { 'fails.sh': 'echo about to fail\nfalse\n' });
    const words = ['wrap-install', '-w', 'bin', '--post-install', 'fails.sh', '--prefix', target, source];
    const { status, stdout } = await user.run(words);
    assert.equal(status, 1);
    assert.match(stdout, /about to fail/);
    assert.match(stdout, /\[ ERROR \] .*installation ended with status 1/);
    assert.deepEqual(readdirSync(target), []);
    assert.deepEqual(readdirSync(user.temporaryDirectory), []);
    await user.run(words, { env: { CW_DEBUG_KEEP_FILES: '1' } });
    assert.match(readdirSync(user.temporaryDirectory).join(), /^cw-[A-Z0-9]{6}$/);
  });

  test('the log level says how much is told', async () => {
    const at = async (level: string): Promise<string> =>
      await user.runOk(['wrap-install', '-w', 'bin,no-such', '--prefix', join(user.home, 'told'), source], {
        env: { CW_LOG_LEVEL: level },
      });
    assert.equal(await at('0'), '');
    assert.match(await at('1'), /^\[ WARNING \] .*no-such: there is no such file or directory.* \n$/);
    assert.match(await at('2'), /^\[ INFO \] Using /);
    assert.match(await at('3'), /^\[ INFO \] \d\d:\d\d:\d\d Using /);
  });

  test('--mask shows it at its old place as well, beside what else is there', async () => {
    const place = user.makeDirectory('soft');
    await writeFiles(user, join(place, 'prog'), tellingProgram);
    await writeFiles(user, place, { sibling: 'still here\n' });
    const target = join(user.home, 'masked');
    await user.runOk(['wrap-install', '--mask', '-w', 'bin', '--prefix', target, join(place, 'prog')]);
    rmSync(join(place, 'prog'), { recursive: true });
    await writeFiles(user, join(place, 'prog'), { outside: '' });
    const look = `cat ${place}/prog/share/data ${place}/sibling; ls ${place}/prog`;
    const said = await user.runOk([join(target, 'bin/_debug_exec'), 'sh', '-c', look]);
    assert.match(said, /data of the program\nstill here\nbin\nshare/);
    assert.match(await user.runOk([join(target, 'bin/tell')]), /data of the program/);
    assert.equal(existsSync(join(place, 'prog/outside')), true);
  });
});
