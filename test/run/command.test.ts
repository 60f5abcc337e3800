// SPDX-License-Identifier: Apache-2.0
// Which program is run, with which words, where and with which variables: the image's configuration and the options
// that change it, on an image from a real registry; and the same options where an image says nothing.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { registryCommands, startRegistry } from '../support/registry.ts';
import { acquireTestUser, type UserCommandOptions } from '../support/user.ts';
import { imageCommands, makeImages, pullImage, writeAs } from './images.ts';
import { launch, launchOk } from './launch.ts';

const skip = needs({
  commands: [...imageCommands, ...registryCommands],
  userNamespaces: true,
  fuse: true,
});

const config = {
  Env: ['PATH=/work/bin:/bin', 'GREETING=hello from the image', 'EMPTY=', 'HOST_ONLY=image wins'],
  Entrypoint: ['/bin/echo', 'entry'],
  Cmd: ['default', 'words'],
  WorkingDir: '/work',
};

suite('the command that slipway runs', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const registry = await startRegistry();
  const full = await pullImage(directory, { registry, name: 'full:1', config, user });
  const cmdOnly = await pullImage(directory, {
    registry,
    name: 'cmd-only:1',
    config: { Cmd: ['echo', 'from cmd'], WorkingDir: '/nowhere' },
    user,
  });
  const silent = [directory, squashfs];
  const said = (...words: string[]): Promise<string> => launchOk(user, words);

  suite('entry point and words', () => {
    test('without words: the entry point with the image’s own', async () => {
      assert.equal(await said(full), 'entry default words\n');
      assert.equal(await said(full, '--'), 'entry default words\n');
      assert.equal(await said(cmdOnly), 'from cmd\n');
    });

    test('words take the place of the image’s own, not of the entry point', async () => {
      assert.equal(await said(full, 'mine'), 'entry mine\n');
      assert.equal(await said(full, '--', 'mine', '--', '-x'), 'entry mine -- -x\n');
      assert.equal(await said(cmdOnly, '--', 'echo', 'mine'), 'mine\n');
    });

    test('--entrypoint takes the place of both; an empty one means none', async () => {
      assert.equal(await said('--entrypoint=/bin/basename', full, 'a/b'), 'b\n');
      assert.equal(await said('--entrypoint=/bin/pwd', full), '/work\n');
      assert.equal(await said('--entrypoint=', full, '--', 'echo', 'plain'), 'plain\n');
      assert.equal(await said('--entrypoint=echo', directory, 'x'), 'x\n');
    });

    test('a plan that covers the image serves every command behind it, and no other image', async () => {
      await said(directory, '--', 'true');
      for (const words of [
        ['--', 'echo', 'one'],
        ['--', 'echo', '-n', 'two'],
        ['--', 'ls', '/work'],
      ]) {
        assert.equal((await launch(user, [directory, ...words])).wasPlanned, false);
      }
      assert.equal((await launch(user, [squashfs, '--', 'echo'])).wasPlanned, true);
    });

    test('words that look like options belong to the command', async () => {
      for (const image of silent) {
        assert.equal(await said(image, '--', 'echo', '--env', 'A=1', '-w'), '--env A=1 -w\n');
        assert.equal(await said(image, 'echo', '--env', 'A=1', '--', '-w'), '--env A=1 -- -w\n');
      }
    });

    test('a script without #! is given to the shell, as execvp does', async () => {
      await writeAs(user, `${user.home}/script`, 'echo $0 $1\n', '755');
      for (const image of silent)
        assert.equal(await said(image, '--', `${user.home}/script`, 'x'), `${user.home}/script x\n`);
    });

    test('long command lines, empty words, spaces and bytes that are no text pass unchanged', async () => {
      const words = ['', ' ', 'a b', "it's", '"', '$HOME', '\\', 'é', '*', 'x'.repeat(100_000), '\n', '\x01'];
      for (const image of silent) {
        const script = 'printf "[%s]" "$@"';
        assert.equal(
          await said(image, '--', 'sh', '-c', script, 'sh', ...words),
          words.map((word) => `[${word}]`).join(''),
        );
        const raw = await user.runOk([
          'sh',
          '-c',
          'slipway run "$1" -- printf "%s" "$(printf "\\377")" | od -An -tx1',
          'sh',
          image,
        ]);
        assert.equal(raw.trim(), 'ff');
      }
    });
  });

  suite('working directory', () => {
    const where = ['--', 'pwd'];

    test('--workdir decides, and must exist', async () => {
      for (const image of [...silent, cmdOnly]) {
        assert.equal(await said('--workdir=/etc', image, ...where), '/etc\n');
        const { status, said: text } = await launch(user, ['-C', '/no/such', image, ...where]);
        assert.equal(status, 125);
        assert.match(
          text,
          /^slipway: change to the working directory \/no\/such: No such file or directory \(ENOENT\)$/m,
        );
        assert.match(text, /^ {2}asked for by: --workdir$/m);
      }
    });

    test('then the image’s own, if it exists; else /', async () => {
      assert.equal(await said('--entrypoint=', full, ...where), '/work\n');
      assert.equal(await said(cmdOnly, ...where), '/\n');
    });

    test('then the caller’s, where the container shows the same directory; else /', async () => {
      await user.runOk(['mkdir', '-p', 'here']);
      const from = (cwd: string): UserCommandOptions => ({ cwd });
      for (const image of silent) {
        assert.equal(await launchOk(user, [image, ...where], from(`${user.home}/here`)), `${user.home}/here\n`);
        assert.equal(await launchOk(user, [image, ...where], from('/tmp')), '/tmp\n');
        assert.equal(await launchOk(user, [image, ...where], from('/proc/sys')), '/proc/sys\n');
        assert.equal(await launchOk(user, [image, ...where], from('/usr')), '/\n', "the image's /usr is another");
        assert.equal(
          await launchOk(user, ['-v', '/usr:/mnt', image, ...where], from('/usr')),
          '/\n',
          'not at its place',
        );
        assert.equal(await launchOk(user, ['-v', '/usr', image, ...where], from('/usr/lib')), '/usr/lib\n');
      }
    });
  });

  suite('environment', () => {
    const env = {
      GREETING: 'hello from outside',
      HOST_ONLY: 'outside',
      RANK: '7',
      LD_LIBRARY_PATH: '/x',
      LD_PRELOAD: '/y.so',
    };
    const variables = async (words: readonly string[], more: UserCommandOptions = {}): Promise<Map<string, string>> => {
      const text = await launchOk(user, words, { ...more, env: { ...env, ...more.env } });
      return new Map(
        text
          .split('\0')
          .filter((line) => line !== '')
          .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      );
    };
    const show = ['--', 'env', '-0'];

    test('the caller’s variables pass, the image’s are set over them, the loader’s are taken away', async () => {
      const inFull = await variables(['--entrypoint=', full, ...show]);
      assert.equal(inFull.get('PATH'), '/work/bin:/bin');
      assert.equal(inFull.get('GREETING'), 'hello from the image');
      assert.equal(inFull.get('EMPTY'), '');
      assert.equal(inFull.get('HOST_ONLY'), 'image wins');
      assert.equal(inFull.get('RANK'), '7');
      assert.equal(inFull.get('HOME'), user.home);
      assert.equal(inFull.get('SLIPWAY_IMAGE'), full);
      for (const image of silent) {
        const plain = await variables([image, ...show]);
        assert.equal(plain.get('GREETING'), 'hello from outside');
        assert.equal(plain.get('PATH'), '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
        for (const name of ['LD_LIBRARY_PATH', 'LD_PRELOAD']) assert.equal(plain.get(name), undefined);
      }
    });

    test('what differs from rank to rank passes through a plan that is kept', async () => {
      for (const image of silent) {
        await variables([image, ...show]);
        for (const RANK of ['0', '1', 'two words', '']) {
          const result = await launch(user, [image, '--', 'sh', '-c', 'echo "<$RANK>"'], { env: { ...env, RANK } });
          assert.deepEqual([result.wasPlanned, result.stdout], [false, `<${RANK}>\n`]);
        }
      }
    });

    test('--env sets over the image, and the last one counts', async () => {
      const given = await variables([
        '--env=GREETING=mine',
        '-e',
        'A=1',
        '-e',
        'A=two words',
        '--entrypoint=',
        full,
        ...show,
      ]);
      assert.deepEqual([given.get('GREETING'), given.get('A')], ['mine', 'two words']);
    });

    test('--env-file: comments and blank lines say nothing, values are taken as they stand', async () => {
      await writeAs(
        user,
        `${user.home}/variables`,
        '# comment\n\n  ONE=1\nTWO="quoted" $HOME # no comment\nTHREE=a=b\r\nFOUR=',
      );
      for (const image of silent) {
        const given = await variables(['--env-file=./variables', image, ...show]);
        assert.equal(given.get('ONE'), '1');
        assert.equal(given.get('TWO'), '"quoted" $HOME # no comment');
        assert.equal(given.get('THREE'), 'a=b');
        assert.equal(given.get('FOUR'), '');
      }
    });

    test('--env-file may be a pipe; a plan that rests on it is not kept', async () => {
      const script = 'echo A=$2 | slipway run --env-file /dev/stdin "$1" -- sh -c \'echo $A\'';
      for (const value of ['one', 'two']) {
        assert.equal(await user.runOk(['sh', '-c', script, 'sh', directory, value]), `${value}\n`);
      }
    });

    test('--unset-env takes away whatever matches, whoever set it', async () => {
      const left = await variables(['--unset-env=GREET*', '--unset-env=RANK', '--entrypoint=', full, ...show]);
      assert.deepEqual(
        [left.get('GREETING'), left.get('RANK'), left.get('HOST_ONLY')],
        [undefined, undefined, 'image wins'],
      );
      const all = await variables(['--unset-env=*', directory, '--', '/bin/env', '-0']);
      assert.deepEqual([...all.keys()], []);
      // In the order given: what comes after is set again.
      const again = await variables(['--unset-env=*', '--env=LATER=1', directory, '--', '/bin/env', '-0']);
      assert.deepEqual([...again.keys()], ['LATER']);
    });

    test('--clear-env leaves who one is, what is named, and what the image sets', async () => {
      const more = { env: { SLURM_PROCID: '3', SLURM_JOB_ID: '9', TERM: 'dumb' } };
      const words = ['--clear-env', '--env=SLURM_*', '--env=B=2', '--entrypoint=', full, ...show];
      const left = await variables(words, more);
      const expected = ['HOME', 'USER', 'LOGNAME', 'TERM', 'SLURM_PROCID', 'SLURM_JOB_ID', 'PATH', 'GREETING', 'EMPTY'];
      assert.deepEqual([...left.keys()].toSorted(), [...expected, 'HOST_ONLY', 'SLIPWAY_IMAGE', 'B'].toSorted());
      const plain = await variables(['--clear-env', directory, ...show], more);
      assert.deepEqual([...plain.keys()].toSorted(), ['HOME', 'LOGNAME', 'PATH', 'SLIPWAY_IMAGE', 'TERM', 'USER']);
    });

    test('TMPDIR is taken away where the container does not show it', async () => {
      assert.equal((await variables([directory, ...show])).get('TMPDIR'), user.temporaryDirectory);
      const elsewhere = { env: { TMPDIR: '/var/tmp/somewhere' } };
      assert.equal((await variables([directory, ...show], elsewhere)).get('TMPDIR'), undefined);
      const shown = await variables(['-v', '/var/tmp', directory, ...show], elsewhere);
      assert.equal(shown.get('TMPDIR'), '/var/tmp/somewhere');
    });
  });
});
