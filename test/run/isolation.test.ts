// SPDX-License-Identifier: Apache-2.0
// What a program is kept from when that is asked for, and with whom it shares its container. A private pid namespace
// puts two processes between the caller and the program: status, signals and terminal must come through all the same.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { processesOf } from '../support/leaks.ts';
import { isRoot, needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages, writeAs } from './images.ts';
import { launch, launchOk } from './launch.ts';
import { type Talk, talkWith } from './talk.ts';

const skip = needs({ commands: [...imageCommands, 'python3'], userNamespaces: true, fuse: true });

suite('isolation of slipway run', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const images = [directory, squashfs];
  const inside = (image: string, script: string, ...options: string[]): Promise<string> =>
    launchOk(user, [...options, image, '--', 'sh', '-c', script]);

  suite('--private=pid', () => {
    const options = ['--private=pid'];

    test('shows the program only what it started itself', async () => {
      for (const image of images) {
        const said = await inside(image, 'echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm', ...options);
        const [own, count, first] = said.split('\n');
        assert.ok(Number(own) < 5, said);
        // The first process, the shell, and the two of the pipe.
        assert.ok(Number(count) <= 4, said);
        assert.equal(first, 'slipway');
      }
    });

    test('gives back every status, and death by a signal', async () => {
      for (const image of images) {
        for (const status of [0, 1, 42, 126, 127, 255]) {
          assert.equal((await launch(user, [...options, image, '--', 'sh', '-c', `exit ${status}`])).status, status);
        }
        for (const signal of ['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGINT'] as const) {
          const result = await launch(user, [
            ...options,
            image,
            '--',
            'sh',
            '-c',
            `kill -${signal.slice(3)} $$; sleep 5`,
          ]);
          assert.deepEqual([result.signal, result.status], [signal, null], signal);
        }
      }
    });

    test('passes signals on to the program', async () => {
      for (const image of images) {
        for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR1', 'SIGHUP'] as const) {
          const name = signal.slice(3);
          const script = `trap "echo heard ${name}; exit 7" ${name}; echo ready; while :; do sleep 0.05; done`;
          const talk = talkWith(user, ['slipway', 'run', ...options, image, '--', 'sh', '-c', script]);
          assert.equal(await talk.line(), 'ready');
          process.kill(talk.pid, signal);
          assert.equal(await talk.line(), `heard ${name}`);
          assert.deepEqual(await talk.end, { status: 7, signal: null });
        }
      }
    });

    test('ends all that was started with the program, however it ends', async () => {
      for (const image of images) {
        const talk = talkWith(user, [
          'slipway',
          'run',
          ...options,
          image,
          '--',
          'sh',
          '-c',
          'sleep 1000 & echo started',
        ]);
        assert.equal(await talk.line(), 'started');
        assert.equal((await talk.end).status, 0);
        const killed = talkWith(user, [
          'slipway',
          'run',
          ...options,
          image,
          '--',
          'sh',
          '-c',
          'sleep 1000 & echo started; wait',
        ]);
        assert.equal(await killed.line(), 'started');
        process.kill(killed.pid, 'SIGKILL');
        assert.equal((await killed.end).signal, 'SIGKILL');
      }
      if (isRoot())
        assert.deepEqual(
          (await processesOf(user.uid, 60_000)).filter((line) => line.includes('sleep')),
          [],
        );
    });

    test('ends with the launch, however early that is killed', { skip: needs({ commands: ['strace'] }) }, async () => {
      const words = ['slipway', 'run', ...options, directory, '--', 'sleep', '1000'];
      await user.runOk([...words.slice(0, -2), 'true']);
      const calls = join(user.home, 'calls');
      const hold = ['-e', 'trace=prctl', '-e', 'inject=prctl:delay_enter=3000000:when=1'];
      const traced = talkWith(user, ['strace', '-f', '-qq', ...hold, '-o', calls, ...words]);
      const held = async (): Promise<string> => {
        for (;;) {
          const line = existsSync(calls) ? /^(\d+) +prctl/m.exec(readFileSync(calls, 'utf8')) : null;
          if (line?.[1] !== undefined) return line[1];
          await delay(5);
        }
      };
      // It has not yet asked to die with its parent.
      const status = readFileSync(`/proc/${await held()}/status`, 'utf8');
      process.kill(Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]), 'SIGKILL');
      const isOver = await Promise.race([traced.end.then(() => true), delay(30_000, false, { ref: false })]);
      if (!isOver) process.kill(traced.pid, 'SIGKILL');
      assert.equal(isOver, true, 'nothing of it goes on');
    });

    test('keeps terminal, descriptors and signal dispositions as they are without it', async () => {
      await writeAs(user, join(user.home, 'seven'), 'from seven\n');
      for (const image of images) {
        const read = 'exec slipway run --private=pid "$1" -- sh -c "cat <&7" 7<seven';
        assert.equal(await user.runOk(['sh', '-c', read, 'sh', image]), 'from seven\n');
        const words = [
          'nohup',
          'slipway',
          'run',
          '--private=pid',
          image,
          '--',
          'grep',
          '^Sig[BI]',
          '/proc/self/status',
        ];
        assert.equal(await user.runOk(words), `SigBlk:\t${'0'.repeat(16)}\nSigIgn:\t${'0'.repeat(15)}1\n`);
        const keys = [
          'import os, pty, sys',
          'pid, fd = pty.fork()',
          'if pid == 0:',
          '  os.execvp("slipway", ["slipway", "run", "--private=pid", sys.argv[1], "--", "sh", "-c",',
          '    "trap \\"echo interrupted; exit 3\\" INT; echo go >/dev/tty; while :; do sleep 0.05; done"])',
          'text = b""; sent = False',
          'while True:',
          '  try: chunk = os.read(fd, 1000)',
          '  except OSError: break',
          '  if not chunk: break',
          '  text += chunk',
          '  if not sent and b"go" in text: os.write(fd, b"\\x03"); sent = True',
          'print(text.decode().count("interrupted"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))',
        ].join('\n');
        assert.equal(await user.runOk(['python3', '-c', keys, image]), '1 3\n');
      }
    });
  });

  suite('other private things', () => {
    test('ipc, uts and net are of other namespaces; the rest is the machine’s', async () => {
      const all = ['ipc', 'uts', 'net', 'pid'] as const;
      const outside = await user.runOk(['sh', '-c', 'for n in ipc uts net pid; do readlink /proc/self/ns/$n; done']);
      for (const image of images) {
        for (const one of all) {
          const said = await inside(
            image,
            'for n in ipc uts net pid; do readlink /proc/self/ns/$n; done',
            `--private=${one}`,
          );
          for (const [index, name] of all.entries()) {
            const isSame = said.split('\n')[index] === outside.split('\n')[index];
            assert.equal(isSame, name !== one, `${name} with --private=${one}`);
          }
        }
      }
    });

    test('a private network has loopback, and nothing else', async () => {
      for (const image of images) {
        const said = await inside(
          image,
          'ls /proc/self/net/dev >/dev/null; grep -c : /proc/self/net/dev; ip addr show lo | grep -o "inet [0-9.]*"',
          '--private=net',
        );
        assert.equal(said, '1\ninet 127.0.0.1\n');
      }
    });

    test('the host name can be changed inside only', async () => {
      for (const image of images) {
        assert.equal(await inside(image, 'hostname inner; hostname', '--private=uts', '--uid=0', '--gid=0'), 'inner\n');
      }
      assert.notEqual(hostname(), 'inner');
    });

    test('a private /tmp is empty, for all to write, and each program’s own', async () => {
      for (const image of images) {
        const script = 'ls -A /tmp; stat -c %a /tmp; echo x >/tmp/mine-alone && cat /tmp/mine-alone; echo "<$TMPDIR>"';
        for (const option of ['-t', '--private=tmp'])
          assert.equal(await inside(image, script, option), '1777\nx\n<>\n');
      }
      assert.ok(!existsSync('/tmp/mine-alone'));
    });
  });

  suite('rights', () => {
    test('--fake-root answers what only root may do as if it had worked', async () => {
      const script = 'id -u; touch /work/f; chown 5:6 /work/f; echo $?; mknod /work/device c 1 3; echo $?; ls /work';
      for (const image of images) {
        assert.equal(await inside(image, script, '--fake-root', '-w'), '0\n0\n0\nf\nnote\nother\n');
        assert.match(
          await inside(image, 'touch /work/f; chown 5:6 /work/f 2>&1 || echo refused', '-w', '--uid=0', '--gid=0'),
          /refused/,
        );
      }
    });

    test('--capabilities leaves no others, for good', async () => {
      const show = 'grep -E "^Cap(Eff|Prm|Bnd)" /proc/self/status | cut -f2';
      for (const image of images) {
        const asRoot = ['--uid=0', '--gid=0'];
        const [full = ''] = (await inside(image, show, ...asRoot)).split('\n');
        assert.notEqual(BigInt(`0x${full}`), 0n);
        assert.equal(await inside(image, show, ...asRoot, '--capabilities=none'), `${'0'.repeat(16)}\n`.repeat(3));
        assert.equal(
          await inside(image, show, ...asRoot, '--capabilities=chown,cap_kill'),
          '0000000000000021\n'.repeat(3),
        );
      }
    });

    test('limits, the umask and the open files are set', async () => {
      await writeAs(user, join(user.home, 'seven'), 'x');
      for (const image of images) {
        const options = ['--limit=nofile=99', '--limit=core=0:unlimited', '--umask=037'];
        assert.equal(await inside(image, 'ulimit -Sn; ulimit -Hn; ulimit -Sc; umask', ...options), '99\n99\n0\n0037\n');
        for (const [option, expected] of [
          ['--close-fds', ['0', '1', '2', '3']],
          ['--close-fds=8', ['0', '1', '2', '3', '8']],
          ['--umask=022', ['0', '1', '2', '3', '7', '8']],
        ] as const) {
          const script = 'exec slipway run "$1" "$2" -- ls /proc/self/fd 7<seven 8<seven 0</dev/null';
          const listed = await user.runOk(['bash', '-c', script, 'sh', option, image]);
          // ls itself opens the lowest free one for the directory.
          const open = listed
            .trim()
            .split('\n')
            .filter((fd) => Number(fd) < 9);
          assert.deepEqual(open, expected, option);
        }
      }
    });
  });

  suite('sharing', () => {
    const env = { SLIPWAY_LINGER: '0' };
    const place = 'echo $(readlink /proc/self/ns/user) $(readlink /proc/self/ns/mnt) $(cat /work/note)';
    const started: Talk[] = [];
    const rank = (...words: string[]): Talk => {
      const talk = talkWith(user, ['slipway', 'run', ...words, '--', 'sh', '-c', `${place}; read -r _ || :`], { env });
      started.push(talk);
      return talk;
    };
    const finish = async (): Promise<void> => {
      for (const { release } of started) release();
      for (const { end } of started.splice(0)) assert.deepEqual(await end, { status: 0, signal: null });
    };

    test('--join=always shares an unpacked image, too', async () => {
      const [one, two] = [rank('--join=always', directory), rank('--join=always', directory)];
      const seen = await one.line();
      assert.match(seen ?? '', /^user:.* from the image$/);
      assert.equal(await two.line(), seen);
      assert.notEqual(await rank(directory).line(), seen);
      await finish();
    });

    test('--join-tag: the first makes the container, the others get it, whatever they name', async () => {
      await user.runOk(['sh', '-c', 'cp -r image second; echo second >second/work/note']);
      const first = rank('--join-tag=mine', directory);
      const seen = await first.line();
      assert.match(seen ?? '', / from the image$/);
      assert.equal(await rank('--join-tag=mine', join(user.home, 'second')).line(), seen);
      assert.match((await rank('--join-tag=other', join(user.home, 'second')).line()) ?? '', / second$/);
      await finish();
    });

    test('--join-pid enters the container in which a process is', async () => {
      for (const image of images) {
        const first = rank('--join=never', image);
        const seen = await first.line();
        assert.equal(await rank(`--join-pid=${first.pid}`, image).line(), seen);
        // From the plan that was kept, once more.
        assert.equal(await rank(`--join-pid=${first.pid}`, image).line(), seen);
        await finish();
      }
    });

    test('--join-pid of nobody, or of someone else, says so', async () => {
      const gone = talkWith(user, ['true']);
      await gone.end;
      for (const pid of [gone.pid, 1]) {
        const result = await launch(user, [`--join-pid=${pid}`, directory, '--', 'true']);
        assert.equal(result.status, 125, result.said);
        assert.match(result.said, /^slipway: enter the namespaces of the process of --join-pid: .* \(E[A-Z]+\)$/m);
      }
    });

    test('what is private stays so on top of what is shared', async () => {
      const script = 'readlink /proc/self/ns/user; ls -A /tmp; touch /tmp/x';
      const [one, two] = [await inside(squashfs, script, '-t'), await inside(squashfs, script, '-t')];
      assert.equal(one, two);
      assert.match(one, /^user:\[\d+\]\n$/);
      assert.ok(readFileSync('/proc/self/mounts', 'utf8').length > 0);
    });
  });
});
