// SPDX-License-Identifier: Apache-2.0
// What Tykky's documentation lists as broken in a container, and is not here; and where wrappers must hold up.
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { makeImages } from '../run/images.ts';
import { run, runOk } from '../support/command.ts';
import { isRoot, needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { tellingProgram, wrapNeeds, writeFiles } from './installations.ts';

await suite('wrapped programs', { skip: needs(wrapNeeds) }, () => {
  let user: TestUser;
  let source: string;
  let installed: string;
  let many: Promise<string> | undefined;
  /** A directory of 100,000 files. */
  const makeMany = async (): Promise<string> => {
    const make = async (): Promise<string> => {
      const directory = user.makeDirectory('many');
      const script =
        'mkdir -p bin d; cp /bin/true bin/yes; cd d; for i in $(seq 100); do mkdir $i; (cd $i; seq 1000 | xargs touch); done';
      await user.runOk(['bash', '-c', script], { cwd: directory });
      return directory;
    };
    return await (many ??= make());
  };
  const exec = (...words: readonly string[]): readonly string[] => [join(installed, 'bin/_debug_exec'), ...words];
  before(async () => {
    user = await acquireTestUser();
    source = user.makeDirectory('program');
    installed = join(user.home, 'installed');
    await writeFiles(user, source, tellingProgram);
    await user.runOk(['wrap-install', '-w', 'bin', '--prefix', installed, source]);
  });

  test('start containers', { skip: needs({ commands: ['mmdebstrap', 'umoci', 'mksquashfs'] }) }, async () => {
    const { squashfs, directory } = await makeImages(user);
    assert.equal(await user.runOk(exec('slipway', 'run', squashfs, '--', 'cat', '/work/note')), 'from the image\n');
    assert.equal(await user.runOk(exec('ch-run', directory, '--', 'cat', '/work/note')), 'from the image\n');
    const inner = `slipway run ${squashfs} -- cat /work/note && ${installed}/bin/tell`;
    assert.match(await user.runOk(exec('sh', '-c', inner)), /^from the image\nzero=.*data of the program\n$/s);
  });

  test('and other wrapped programs, whose files both can see', async () => {
    const other = join(user.home, 'other');
    await user.runOk(['wrap-install', '-w', 'bin', '--prefix', other, source]);
    const both = `${other}/bin/_debug_exec sh -c "cat ${installed}/share/data ${other}/share/data; ${installed}/bin/tell"`;
    assert.match(await user.runOk(exec('sh', '-c', both)), /^(?:data of the program\n){2}zero=/);
    // In the other order, while what was started first still runs.
    const back = `${installed}/bin/_debug_exec cat ${other}/share/data ${installed}/share/data`;
    assert.match(
      await user.runOk([join(other, 'bin/_debug_exec'), 'sh', '-c', back]),
      /^(?:data of the program\n){2}$/,
    );
  });

  test('128 at once share one mount', async () => {
    // None ends before all have begun.
    const script = `mkdir begun; mkfifo end
for i in $(seq 128); do
  ${installed}/bin/_debug_exec sh -c 'readlink /proc/self/ns/mnt > begun/.$1; mv begun/.$1 begun/$1; read -r x < end' sh $i &
done
until [ "$(ls begun | wc -l)" = 128 ]; do sleep 0.1; done
exec 9<> end; for i in $(seq 128); do echo >&9; done
wait; cat begun/*`;
    const { status, stdout, stderr } = await user.run(['bash', '-c', script], { timeoutMs: 300_000 });
    assert.equal(status, 0, stderr);
    const namespaces = stdout.trim().split('\n');
    assert.equal(namespaces.length, 128);
    assert.equal(new Set(namespaces).size, 1);
  });

  test('go out by a shell without their namespaces, as ssh and srun do, and come back in by the same path', async () => {
    // A shell in the namespaces of the test stands for the one that sshd or slurmd starts.
    await user.runOk(['mkfifo', 'out', 'back']);
    const [outside, inside] = await Promise.all([
      user.runOk(['sh', '-c', 'path=$(cat out); $path > answer; echo done > back; cat answer']),
      user.runOk(exec('sh', '-c', `echo ${installed}/bin/tell > out; cat back; cat answer`)),
    ]);
    assert.match(outside, /data of the program/);
    assert.equal(inside, `done\n${outside}`);
  });

  test('are for others too', { skip: isRoot() ? false : 'root: another user has to be had' }, async () => {
    const shared = join(user.makeDirectory('shared'), 'installed');
    await user.runOk(['cp', '-a', installed, shared]);
    const other = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--'];
    const env = { PATH: '/usr/bin:/bin', HOME: '/' };
    assert.match(await runOk([...other, join(shared, 'bin/tell')], { env, cwd: '/' }), /data of the program/);
    // Who may not read the image may not run what is in it.
    const closed = join(user.makeDirectory('shared'), 'closed');
    await user.runOk(['cp', '-a', installed, closed]);
    chmodSync(join(closed, 'img.sqfs'), 0o640);
    const refused = await run([...other, join(closed, 'bin/tell')], { env, cwd: '/' });
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, /img-.*Permission denied/);
  });

  test('do with a file system that is read-only, and a umask that closes all', async () => {
    const closed = join(user.home, 'closed');
    await user.runOk(['sh', '-c', `umask 077; exec wrap-install -w bin --prefix ${closed} ${source}`]);
    assert.equal(statSync(join(closed, 'img.sqfs')).mode & 0o777, 0o600);
    assert.equal(statSync(join(closed, 'bin/tell')).mode & 0o777, 0o700);
    assert.match(await user.runOk([join(closed, 'bin/tell')]), /data of the program/);
    const readOnly = `mount --bind -o ro ${user.home} ${user.home} && cd / && ${closed}/bin/tell`;
    assert.match(await user.runOk(['unshare', '-rm', 'sh', '-c', readOnly]), /data of the program/);
  });

  test('are left as they were when a build is interrupted, at whatever moment', async () => {
    await writeFiles(user, user.home, { 'slow.sh': 'echo begun; sleep 30\n' });
    const words = ['wrap-install', '-w', 'bin', '--post-install', 'slow.sh', '--prefix', installed, source];
    const names = readdirSync(installed).toSorted();
    const many = await makeMany();
    // What bash starts in the background ignores the signal, until the launcher has put that right.
    const taken = 'until [ $((0x$(awk "/^SigIgn/ {print \\$2}" /proc/$pid/status) & 2)) = 0 ]; do :; done';
    for (const script of [
      // In the installation, and after times that let it be anywhere before and in the writing of the image.
      `${words.join(' ')} > said & pid=$!; until grep -q begun said; do sleep 0.05; done; kill -INT $pid; wait $pid; echo $?`,
      ...[0, 0.1, 0.2, 0.4].map(
        (time) =>
          `wrap-install -w bin --prefix ${installed} ${many} & pid=$!; ${taken}; sleep ${time}; kill -INT $pid; wait $pid; echo $?`,
      ),
    ]) {
      const { stdout } = await user.run(['bash', '-c', script]);
      assert.equal(stdout.trim().split('\n').at(-1), '130');
      assert.deepEqual(readdirSync(installed).toSorted(), names);
      assert.deepEqual(readdirSync(user.temporaryDirectory), []);
    }
    assert.match(await user.runOk([join(installed, 'bin/tell')]), /data of the program/);
  });

  test('come from 100,000 files, which become one', async () => {
    const many = await makeMany();
    const target = join(user.home, 'from-many');
    await user.runOk(['wrap-install', '-w', 'bin', '--prefix', target, many]);
    assert.ok(readdirSync(target, { recursive: true }).length < 20);
    assert.equal(
      (await user.runOk([join(target, 'bin/_debug_exec'), 'sh', '-c', `find ${target}/d -type f | wc -l`])).trim(),
      '100000',
    );
  });

  test('get their variables from a text: by edits where it is plain, by a shell where it is not', async () => {
    const show = ['sh', '-c', 'echo "$PLAIN,$LISTED,$ASKED"'];
    const wrapped = async (name: string, text: string): Promise<readonly string[]> => {
      await writeFiles(user, user.home, { [`${name}.sh`]: text });
      const prefix = join(user.home, name);
      await user.runOk(['wrap-install', '-w', 'bin', '--environ', `${name}.sh`, '--prefix', prefix, source]);
      return [join(prefix, 'bin/_debug_exec'), ...show];
    };
    const plain = await wrapped('plain', 'export PLAIN="a b"\nexport LISTED=/x:$LISTED\n');
    assert.equal(await user.runOk(plain), 'a b,/x,\n');
    assert.equal(await user.runOk(plain, { env: { LISTED: '/y' } }), 'a b,/x:/y,\n');
    const asked = await wrapped('asked', 'export ASKED=$(echo $$ | tr -d 0-9)$HOME\n');
    assert.equal(await user.runOk(asked), `,,${user.home}\n`);
  });
});
