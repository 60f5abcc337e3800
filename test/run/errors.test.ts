// SPDX-License-Identifier: Apache-2.0
// Everything that can go wrong between a command line and its program: one message that says what failed, on what and
// why, a hint that says what to do, the documented exit status, and nothing left behind.
import assert from 'node:assert/strict';
import {
  copyFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { run } from '../support/command.ts';
import { isRoot, needs } from '../support/needs.ts';
import { registryCommands, startRegistry } from '../support/registry.ts';
import { acquireTestUser, type UserCommandOptions } from '../support/user.ts';
import { imageCommands, makeImages, pullImage, writeAs } from './images.ts';
import { launch, readTrace } from './launch.ts';

const skip = needs({ commands: [...imageCommands, ...registryCommands], userNamespaces: true, fuse: true });

suite('errors of slipway run', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const images = [directory, squashfs];

  /** The launch must fail so: status, first line, and a hint or an origin that matches. */
  const refuses = async (
    words: readonly string[],
    expected: { readonly status: number; readonly says: RegExp; readonly hints?: RegExp },
    options: UserCommandOptions = {},
  ): Promise<void> => {
    const { status, stdout, said } = await launch(user, words, options);
    const [first = '', ...rest] = said.trimEnd().split('\n');
    const context = `slipway run ${words.join(' ')}\n${said}`;
    assert.equal(status, expected.status, context);
    assert.equal(stdout, '', context);
    assert.match(first, expected.says, context);
    if (expected.hints !== undefined) assert.match(rest.join('\n'), expected.hints, context);
    for (const line of rest) assert.match(line, /^ {2}(hint|asked for by): /, context);
  };

  suite('what is named', () => {
    test('no such image, with the names that are near', async () => {
      await refuses(['no/such:image', 'true'], {
        status: 125,
        says: /^slipway: .*no\/such:image/,
        hints: /hint: .*slipway pull/,
      });
    });

    test('an ambiguous name, with those that it may mean', async () => {
      const registry = await startRegistry();
      for (const name of ['one/tool:1', 'two/tool:1']) await pullImage(directory, { registry, name, config: {}, user });
      await refuses(['tool:1', 'true'], {
        status: 125,
        says: /^slipway: .*tool:1/,
        hints: /one\/tool:1[^]*two\/tool:1|hint/,
      });
    });

    test('a path where nothing is', async () => {
      await refuses(['./nothing', 'true'], {
        status: 125,
        says: /^slipway: run \S+\/nothing: no such file or directory$/,
        hints: /hint/,
      });
    });

    test('a relative path, after the current directory was removed; an absolute one still works', async () => {
      const script = 'mkdir removed; cd removed; rmdir ../removed; exec slipway run "$@"';
      const from = (image: string): ReturnType<typeof run> =>
        user.run(['sh', '-c', script, 'sh', '--env=REMOVED=1', image, '--', 'pwd']);
      const relative = await from('./image');
      assert.deepEqual(
        [relative.status, relative.stderr],
        [125, 'slipway: read ./image: the current directory has been removed\n'],
      );
      assert.deepEqual(await from(directory).then(({ status, stdout }) => [status, stdout]), [0, '/\n']);
    });

    test('a file that is no image', async () => {
      await writeAs(user, join(user.home, 'text'), 'just text, and longer than a superblock\n'.repeat(10));
      await writeAs(user, join(user.home, 'empty'), '');
      for (const name of ['./text', './empty', '/dev/null']) {
        await refuses([name, 'true'], {
          status: 125,
          says: /neither a directory nor a squashfs image$/,
          hints: /hint/,
        });
      }
    });

    test('a squashfs that is damaged: cut short, or with noise in its tables', async () => {
      const whole = readFileSync(squashfs);
      const spoil = (name: string, bytes: Buffer): string => {
        const path = join(user.home, name);
        writeFileSync(path, bytes);
        chmodSync(path, 0o644);
        return path;
      };
      // squashfs's superblock says at 64 and 72 where the tables of inodes and of directories begin.
      const noisy = Buffer.from(whole);
      noisy.fill(0xa5, Number(whole.readBigUInt64LE(64)) + 2, Number(whole.readBigUInt64LE(72)));
      for (const path of [
        spoil('cut', whole.subarray(0, 200_000)),
        spoil('header-only', whole.subarray(0, 96)),
        spoil('noisy', noisy),
        spoil('tiny', Buffer.from('hsqs')),
      ]) {
        await refuses([path, 'true'], { status: 125, says: new RegExp(`^slipway: .*${path}`), hints: /hint/ });
      }
    });
  });

  suite('the command', () => {
    test('that is not there: 127', async () => {
      for (const image of images) {
        const hints = /$/;
        await refuses([image, 'nonsense'], {
          status: 127,
          says: /^slipway: run nonsense: no such command on PATH in \S+ \(ENOENT\)$/,
          hints,
        });
        await refuses([image, '/no/where'], { status: 127, says: /^slipway: run \/no\/where: no such file/, hints });
        await refuses(['--env=PATH=/no/where', image, 'ls'], {
          status: 127,
          says: /run ls: no such command on PATH/,
          hints,
        });
      }
    });

    test('whose interpreter is missing in the image: 127, and said so', async () => {
      await writeAs(user, join(user.home, 'lost-script'), '#!/no/interpreter\n', '755');
      for (const image of images) {
        await refuses([image, '--', join(user.home, 'lost-script')], {
          status: 127,
          says: /or its interpreter is missing/,
        });
      }
    });

    test('that can’t be executed: 126', async () => {
      await writeAs(user, join(user.home, 'plain'), 'text\n');
      for (const image of images) {
        for (const path of [join(user.home, 'plain'), '/etc', '/work/note']) {
          await refuses([image, '--', path], {
            status: 126,
            says: /: Permission denied \(EACCES\)$/,
            hints: /hint: it is no file that you may execute/,
          });
        }
      }
    });

    test('for another processor: 126', async () => {
      // The host's own program with the machine of its ELF header changed to SPARC.
      const other = readFileSync(join(directory, 'bin/busybox'));
      other.writeUInt16LE(2, 18);
      writeFileSync(join(user.home, 'other'), other);
      chmodSync(join(user.home, 'other'), 0o755);
      for (const image of images) {
        await refuses([image, '--', join(user.home, 'other')], {
          status: 126,
          says: /\(ENOEXEC\)$/,
          hints: /another kind of processor/,
        });
      }
    });

    test('none given, none in the image', async () => {
      for (const image of images) {
        await refuses([image], {
          status: 125,
          says: /no command was given, and the image names none$/,
          hints: /slipway run .* -- COMMAND/,
        });
      }
    });
  });

  suite('options', () => {
    test('that don’t exist or make no sense: 2', async () => {
      await writeAs(user, join(user.home, 'bad-variables'), 'A=1\n=2\n');
      for (const [words, says] of [
        [[], /no image was named/],
        [['--nonsense', directory], /nonsense/],
        [['--env'], /env/],
        [['--env=1 2', directory, 'true'], /--env: "1 2"/],
        [['--env-file=/no/such', directory, 'true'], /--env-file: \/no\/such: no such file/],
        [['--uid=me', directory, 'true'], /--uid: "me"/],
        [['--uid=4294967295', directory, 'true'], /--uid: "4294967295"/],
        [['--gid=-1', directory, 'true'], /--gid: "-1"/],
        [['--workdir=relative', directory, 'true'], /--workdir: "relative"/],
        [['-v', '', directory, 'true'], /--volume/],
        [['-v', '/a:b', directory, 'true'], /target "b" is no absolute path/],
        [['-v', '/a:/b:what', directory, 'true'], /"what" is none of/],
        [['-v', '/a:/b:ro:x', directory, 'true'], /more than three parts/],
        [['-v', '/a:/', directory, 'true'], /target can’t be \//],
        [['-v', '/a:/b/../c', directory, 'true'], /component \.\./],
        [['--mount', 'type=nfs,target=/a', directory, 'true'], /type "nfs"/],
        [['--mount', 'source=/a', directory, 'true'], /target= is missing/],
        [['--mount', 'target=/a', directory, 'true'], /source= is missing/],
        [['--mount', 'type=tmpfs,target=/a,size=big', directory, 'true'], /size=/],
        [['--mount', 'src=/a,dst=/b,src=/c', directory, 'true'], /given twice/],
        [['--writable=much', directory, 'true'], /--writable: "much"/],
        [['--writable=0', directory, 'true'], /--writable: "0"/],
      ] as const) {
        await refuses(words, { status: 2, says, hints: /hint/ });
      }
      await refuses(['--env-file=./bad-variables', directory, 'true'], {
        status: 125,
        says: /bad-variables: line 2/,
        hints: /hint/,
      });
    });
  });

  test('more than a launch can be told', async () => {
    const variables = Array.from({ length: 600 }, (_, index) => ['-e', `V${index}=1`]).flat();
    await refuses([...variables, directory, 'true'], {
      status: 125,
      says: /^slipway: run \S+: its options are more than 1024 words$/,
      hints: /hint: give fewer or shorter options/,
    });
    await writeAs(user, join(user.home, 'long'), `A=${'x'.repeat(1 << 20)}\n`);
    await refuses(['--env-file=./long', directory, 'true'], { status: 125, says: /take more than 1048576 bytes$/ });
    await refuses(['--env-file=.', directory, 'true'], { status: 125, says: /^slipway: read \S+: .*\(EISDIR\)$/ });
  });

  suite('mounts', () => {
    test('whose source is missing: who asked for it is named', async () => {
      for (const image of images) {
        await refuses(['-v', '/no/such:/mnt', image, 'true'], {
          status: 125,
          says: /^slipway: open \/no\/such: No such file or directory \(ENOENT\)$/,
          hints: /asked for by: --volume \/no\/such:\/mnt\n {2}hint: make it on the host/,
        });
      }
    });

    test('of a file on a directory, and the other way round', async () => {
      await writeAs(user, join(user.home, 'file'), 'x');
      for (const image of images) {
        for (const spec of ['./file:/mnt', '.:/work/note']) {
          await refuses(['-v', spec, image, 'true'], {
            status: 125,
            says: /^slipway: mount on \/\S+: Not a directory \(ENOTDIR\)$/,
            hints: /hint: a directory can be mounted on a directory only/,
          });
        }
      }
    });

    test('below a file of the image', async () => {
      for (const image of images) {
        await refuses(['-v', './image:/work/note/below', image, 'true'], {
          status: 125,
          says: /\/work\/note\/below: Not a directory \(ENOTDIR\)$/,
        });
      }
    });

    test('--writable=DIR that is no directory, or not the caller’s', async () => {
      await writeAs(user, join(user.home, 'no-directory'), '');
      await refuses(['--writable=./no-directory', directory, 'true'], { status: 2, says: /--writable/ });
      for (const image of images) {
        await refuses(['--writable=/etc', image, 'true'], {
          status: 125,
          says: /^slipway: make the overlay's directories in \/etc: Permission denied \(EACCES\)$/,
          hints: /hint/,
        });
      }
    });
  });

  suite('the machine', () => {
    test('user namespaces are off', async () => {
      // In a namespace of one's own, none further can be made.
      const wrap = ['unshare', '-Ur', 'sh', '-c', 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', 'sh'];
      for (const image of images) {
        const result = readTrace(await user.run([...wrap, 'slipway', 'run', image, '--', 'true']));
        assert.equal(result.status, 125);
        assert.match(result.said, /^slipway: make namespaces: No space left on device \(ENOSPC\)\n/);
        assert.match(
          result.said,
          /hint: unprivileged user namespaces are off, or used up, on this machine; `slipway doctor`/,
        );
      }
    });

    /** Runs as the user in a mount namespace that root prepares with these shell lines. */
    const inMachine = (prepare: string, words: readonly string[]): ReturnType<typeof run> =>
      run(
        [
          'unshare',
          '--mount',
          '--propagation=private',
          'sh',
          '-euc',
          `${prepare}\nexec "$@"`,
          'sh',
          ...user.command(words),
        ],
        {
          env: { ...user.env, PATH: `${user.env['PATH']}:/usr/sbin:/sbin` },
          cwd: user.home,
        },
      );
    const other = `${squashfs}.other`;
    const needsRoot = needs({ root: true });

    test('/dev/fuse is missing, or closed', { skip: needsRoot }, async () => {
      await user.runOk(['cp', squashfs, other]);
      for (const [prepare, says] of [
        [
          'mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3',
          /^slipway: open \/dev\/fuse: No such file or directory \(ENOENT\)\n/,
        ],
        [
          'mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; mknod -m 600 /dev/fuse c 10 229',
          /^slipway: open \/dev\/fuse: Permission denied \(EACCES\)\n/,
        ],
      ] as const) {
        const result = readTrace(await inMachine(prepare, ['slipway', 'run', other, '--', 'true']));
        assert.equal(result.status, 125);
        assert.match(result.said, says);
        assert.match(result.said, /hint: if it is \/dev\/fuse, an administrator must/);
      }
    });

    test('squashfuse is missing, at planning and at launch', { skip: needsRoot }, async () => {
      const hide =
        'for f in /usr/bin/squashfuse_ll /usr/local/bin/squashfuse_ll; do [ ! -e $f ] || mount --bind /etc $f 2>/dev/null || mount --bind /dev/null $f; done';
      const planned = readTrace(await inMachine(hide, ['slipway', 'run', '--env=A=1', other, '--', 'true']));
      assert.deepEqual(
        [planned.status, planned.said.split('\n')[0]],
        [125, `slipway: run ${other}: no squashfuse_ll on this machine to mount it with`],
      );
      assert.match(planned.said, /hint: install squashfuse/);
    });

    /** Makes directories read-only in the machine that root prepares. */
    const close = (...paths: string[]): string =>
      paths.map((path) => `mount --bind ${path} ${path}; mount -o remount,bind,ro ${path}`).join('\n');

    test('there is no place for plans, or it is read-only', { skip: needsRoot }, async () => {
      // Left by whoever had the account before.
      for (const path of ['/dev/shm', '/tmp']) rmSync(`${path}/slipway-${user.uid}`, { recursive: true, force: true });
      const words = ['slipway', 'run', '--env=C=1', directory, '--', 'true'];
      const closed = close('/tmp', '/run', '/dev/shm');
      const none = readTrace(await inMachine(closed, ['env', '-u', 'XDG_RUNTIME_DIR', ...words]));
      assert.deepEqual(
        [none.status, none.said.split('\n')[0]],
        [125, `slipway: run ${directory}: no directory that is private to you was found for plans and sockets`],
      );
      assert.match(none.said, /^ {2}hint: set XDG_RUNTIME_DIR to a directory of yours with mode 0700/m);

      const unwritable = readTrace(await inMachine(close(user.runtimeDirectory), words));
      assert.equal(unwritable.status, 125);
      assert.match(
        unwritable.said,
        /^slipway: write in \S+\/slipway, the directory for plans: EROFS: read-only file system/,
      );
      assert.match(unwritable.said, /^ {2}hint: make room there, or set XDG_RUNTIME_DIR/m);
    });

    test('the place for plans is full', { skip: needsRoot }, async () => {
      const prepare = `mount -t tmpfs -o size=64k,mode=700,uid=${user.uid} none ${user.runtimeDirectory}
        dd if=/dev/zero of=${user.runtimeDirectory}/filler bs=4k count=100 2>/dev/null || :`;
      const { status, said } = readTrace(await inMachine(prepare, ['slipway', 'run', directory, '--', 'true']));
      assert.equal(status, 125);
      assert.match(
        said,
        /^slipway: write in \S+\/slipway, the directory for plans: ENOSPC: no space left on device[^]* {2}hint: make room/,
      );
    });

    test('a set-user-id launcher is refused', { skip: needsRoot }, async () => {
      const folder = user.makeDirectory('setuid');
      chownSync(folder, 0, 0);
      for (const mode of [0o4755, 0o2755]) {
        const copy = join(folder, 'slipway');
        copyFileSync(join(user.prefix, 'bin/slipway'), copy);
        chmodSync(copy, mode);
        const result = await user.run([copy, 'run', directory, '--', 'id']);
        assert.deepEqual([result.status, result.stdout], [125, '']);
        assert.match(result.stderr, /refuse to run set-user-id[^]*hint: Slipway needs no privilege/);
      }
    });

    test('an installation with a part missing says so', async () => {
      const folder = user.makeDirectory('torn');
      mkdirSync(join(folder, 'bin'));
      copyFileSync(join(user.prefix, 'bin/slipway'), join(folder, 'bin/slipway'));
      chmodSync(join(folder, 'bin/slipway'), 0o755);
      const result = await user.run([join(folder, 'bin/slipway'), 'run', '--env=B=1', directory, '--', 'id']);
      assert.equal(result.status, 125);
      assert.match(
        result.stderr,
        /^slipway: start \S+\/torn\/libexec\/slipway\/node: No such file or directory\n {2}hint: the installation is incomplete/,
      );
    });
  });

  test('the launcher works through a symbolic link elsewhere on PATH', async () => {
    const folder = user.makeDirectory('links');
    await user.runOk(['ln', '-sfn', join(user.prefix, 'bin/slipway'), join(folder, 'slipway')]);
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const { status, stdout } = await launch(user, ['--env=LINKED=1', directory, '--', 'echo', 'ran'], { env });
    assert.deepEqual([status, stdout], [0, 'ran\n']);
  });

  test('nothing stays behind: no mount, no temporary file, no socket without a holder', async () => {
    const left = readdirSync(join(user.runtimeDirectory, 'slipway'));
    assert.deepEqual(
      left.filter((name) => name.includes('~') || /\.\d+$/.test(name)),
      [],
    );
    assert.ok(!isRoot() || !readFileSync('/proc/self/mountinfo', 'utf8').includes(user.home));
  });
});
