// SPDX-License-Identifier: Apache-2.0
// A program that `slipway run` becomes is, to whoever started it, the process that was started: its id, status,
// signals, descriptors and terminal. Each is tried in an unpacked image and in a squashfs, hot and cold.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages, writeAs } from './images.ts';
import { launch, launchOk } from './launch.ts';
import { talkWith } from './talk.ts';

const skip = needs({ commands: [...imageCommands, 'python3'], userNamespaces: true, fuse: true });

suite('slipway run becomes the program', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const images = [directory, squashfs];
  /** The image's own programs, run on the host: what a launch must not change can be compared. */
  const busybox = join(directory, 'bin/busybox');

  test('every exit status comes back as it was, from 0 to 255', async () => {
    for (const image of images) {
      // One shell runs them all: 256 launches through Node would take minutes.
      const script =
        'for i in $(seq 0 255); do slipway run "$1" -- sh -c "exit $i"; test $? -eq $i || echo "$i: $?"; done';
      assert.equal(await user.runOk(['sh', '-c', script, 'sh', image]), '');
    }
  });

  test('death by a signal is seen by the parent as such', async () => {
    for (const image of images) {
      for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGABRT'] as const) {
        const result = await launch(user, [image, '--', 'sh', '-c', `kill -${signal.slice(3)} $$`]);
        assert.deepEqual([result.signal, result.status], [signal, null]);
      }
    }
  });

  test('the process id is the same before and after, and the parent too', async () => {
    for (const image of images) {
      for (const words of [
        [image, '--', 'sh', '-c', 'echo $$ $PPID'],
        ['-w', image, '--', 'sh', '-c', 'echo $$ $PPID'],
      ]) {
        const said = await user.runOk(['sh', '-c', 'echo $$ $PPID; exec slipway run "$@"', 'sh', ...words]);
        const [outside, inside] = said.split('\n');
        assert.equal(inside, outside);
      }
    }
  });

  test('SIGTERM and SIGINT reach the program itself', async () => {
    for (const image of images) {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const traps = 'trap "echo heard TERM; exit 7" TERM; trap "echo heard INT; exit 7" INT';
        const script = `${traps}; echo ready; while :; do sleep 0.05; done`;
        const talk = talkWith(user, ['slipway', 'run', image, '--', 'sh', '-c', script]);
        assert.equal(await talk.line(), 'ready');
        process.kill(talk.pid, signal);
        assert.equal(await talk.line(), `heard ${signal.slice(3)}`);
        assert.deepEqual(await talk.end, { status: 7, signal: null });
      }
    }
  });

  test('stdin, stdout and stderr are the caller’s own files', async () => {
    for (const image of images) {
      const result = await user.run(['slipway', 'run', image, '--', 'sh', '-c', 'cat; echo err >&2'], { input: 'abc' });
      assert.deepEqual([result.status, result.stdout, result.stderr], [0, 'abc', 'err\n']);
      const script = 'slipway run "$1" -- ls -l /proc/self/fd/0 /proc/self/fd/1 <in >out; cat out';
      await writeAs(user, join(user.home, 'in'), '');
      const listed = await user.runOk(['sh', '-c', script, 'sh', image]);
      const links = listed
        .trim()
        .split('\n')
        .map((line) => line.split(' -> ')[1]);
      assert.deepEqual(links, [join(user.home, 'in'), join(user.home, 'out')]);
    }
  });

  test('stdin, stdout and stderr that are closed stay closed, and nothing takes their place', async () => {
    const bare = await user.runOk(['sh', '-c', '"$1" ls /proc/self/fd <&-', 'sh', busybox]);
    for (const image of images) {
      // The first is planned: the plan's own descriptor must not become the program's stdin.
      for (const turn of ['cold', 'hot']) {
        const listed = await user.runOk(['sh', '-c', 'slipway run "$1" -- ls /proc/self/fd <&-', 'sh', image]);
        assert.deepEqual(descriptors(listed), descriptors(bare), turn);
      }
      const script = 'slipway run "$1" -- sh -c "echo x; echo \\$? >status" <&- >&- 2>&-';
      assert.equal((await user.run(['sh', '-c', script, 'sh', image])).status, 0);
      assert.equal(readFileSync(join(user.home, 'status'), 'utf8'), '1\n', 'stdout is closed, so echo fails');
    }
  });

  test('an inherited descriptor works, and no other is open', async () => {
    await writeAs(user, join(user.home, 'seven'), 'from seven\n');
    const bare = await user.runOk(['sh', '-c', 'exec "$1" ls /proc/self/fd 7<seven', 'sh', busybox]);
    for (const image of images) {
      for (const turn of ['cold', 'hot']) {
        const script = 'exec slipway run --env=TURN=1 "$1" -- ls /proc/self/fd 7<seven';
        assert.deepEqual(descriptors(await user.runOk(['sh', '-c', script, 'sh', image])), descriptors(bare), turn);
      }
      const read = await user.runOk(['sh', '-c', 'exec slipway run "$1" -- sh -c "cat <&7" 7<seven', 'sh', image]);
      assert.equal(read, 'from seven\n');
    }
  });

  test('a socket at descriptor 7 carries both ways, as a process manager’s does (PMI_FD)', async () => {
    const script = [
      'import os, socket, subprocess, sys',
      'ours, theirs = socket.socketpair()',
      'os.dup2(theirs.fileno(), 7); os.set_inheritable(7, True); theirs.close()',
      'child = subprocess.Popen(["slipway", "run", sys.argv[1], "--", "sh", "-c",',
      '  "read -r line <&$PMI_FD; echo \\"got $line\\" >&$PMI_FD"], pass_fds=[7], env={**os.environ, "PMI_FD": "7"})',
      'os.close(7)',
      'ours.sendall(b"cmd=init\\n"); print(ours.recv(100).decode(), end=""); print(child.wait(), ours.recv(100))',
    ].join('\n');
    for (const image of images) {
      assert.equal(await user.runOk(['python3', '-c', script, image]), "got cmd=init\n0 b''\n");
    }
  });

  test('signal dispositions and mask are the caller’s', async () => {
    const show = ['grep', '-E', '^Sig(Blk|Ign|Cgt)', '/proc/self/status'];
    for (const image of images) {
      for (const [how, wrap] of [
        ['plain', []],
        ['ignored', ['nohup']],
        ['masked', ['env', '--ignore-signal=USR1', '--block-signal=USR2']],
      ] as const) {
        const bare = await user.runOk([...wrap, busybox, ...show]);
        // A variable of its own each: both the launch that is planned and the one that finds its plan.
        for (let turn = 0; turn < 2; turn += 1) {
          const inside = await user.runOk([...wrap, 'slipway', 'run', '--env', `HOW=${how}`, image, '--', ...show]);
          assert.equal(inside, bare, how);
        }
      }
    }
  });

  test('a caller who ignores SIGCHLD loses nothing by it', async () => {
    const ignoring = ['env', '--ignore-signal=CHLD', 'slipway', 'run'];
    const bare = await user.runOk(['env', '--ignore-signal=CHLD', busybox, 'grep', '^SigIgn', '/proc/self/status']);
    for (const options of [[directory], [squashfs], ['-w', squashfs], ['--private=pid', directory]]) {
      // The first is planned, and starts what is to be started; the second finds it.
      for (let turn = 0; turn < 2; turn += 1) {
        const words = ['--env=WHO=deaf', ...options, '--', 'grep', '^SigIgn', '/proc/self/status'];
        const result = await user.run([...ignoring, ...words], { env: { SLURM_JOB_ID: '1' }, timeoutMs: 60_000 });
        assert.deepEqual([result.status, result.stdout], [0, bare], result.stderr);
      }
    }
    const refused = await user.run([...ignoring, '/no/such/image', '--', 'true']);
    assert.equal(refused.status, 125, refused.stderr);
  });

  test('umask, limits, terminal and priority pass through', async () => {
    const ownPriority = getPriority();
    const script = 'umask; ulimit -n; ulimit -c; cut -d" " -f7,19 /proc/self/stat';
    for (const image of images) {
      const wrap = ['sh', '-c', 'umask 027; ulimit -n 300; ulimit -c 0; exec nice -n 3 "$@"', 'sh'];
      const bare = await user.runOk([...wrap, 'sh', '-c', script]);
      const inside = await user.runOk([...wrap, 'slipway', 'run', image, '--', 'sh', '-c', script]);
      const [umask, files, core, stat] = inside.split('\n');
      assert.deepEqual([umask, files, core], bare.split('\n').slice(0, 3));
      assert.equal(stat, bare.split('\n')[3]);
      assert.notEqual(stat?.split(' ')[1], String(ownPriority));
    }
  });

  test('process group and session are the caller’s', async () => {
    // The shell is the leader of both: what it runs without job control stays in its group.
    const script = 'cut -d" " -f5,6 /proc/$$/stat; slipway run "$1" -- cut -d" " -f5,6 /proc/self/stat; :';
    for (const image of images) {
      const [outside, inside] = (await user.runOk(['sh', '-c', script, 'sh', image])).split('\n');
      assert.equal(inside, outside);
    }
  });

  test('no new privileges: a set-user-id program gains nothing', async () => {
    for (const image of images) {
      const said = await launchOk(user, [
        image,
        '--',
        'grep',
        '-E',
        '^(NoNewPrivs|CapEff|CapBnd)',
        '/proc/self/status',
      ]);
      assert.match(said, /^NoNewPrivs:\t1$/m);
      assert.match(said, /^CapEff:\t0{16}$/m);
    }
  });

  test('the controlling terminal is kept, and its keys reach the program', async () => {
    // A terminal of its own, whose foreground process is the launch.
    const script = [
      'import os, pty, sys, signal, time',
      'pid, fd = pty.fork()',
      'if pid == 0:',
      '  os.execvp("slipway", ["slipway", "run", sys.argv[1], "--", "sh", "-c",',
      '    "tty; trap \\"echo interrupted; exit 3\\" INT; echo go >/dev/tty; while :; do sleep 0.05; done"])',
      'text = b""',
      'sent = False',
      'while True:',
      '  try: chunk = os.read(fd, 1000)',
      '  except OSError: break',
      '  if not chunk: break',
      '  text += chunk',
      '  if not sent and b"go" in text: os.write(fd, b"\\x03"); sent = True',
      'print(text.decode()); print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))',
    ].join('\n');
    for (const image of images) {
      const said = await user.runOk(['python3', '-c', script, image]);
      assert.match(said, /^\/dev\/pts\/\d+\r?\ngo\r?\n\^Cinterrupted\r?\n\n3\n$/);
    }
  });

  test('64 at once, of a plan that is not there yet: one is made, all run', async () => {
    for (const image of images) {
      const script = [
        'for i in $(seq 64); do SLIPWAY_TRACE=1 slipway run --env MANY=1 "$1" -- sh -c "echo ran" 2>>log & done',
        'wait; grep -c planning log; rm log',
      ].join('\n');
      const lines = (await user.runOk(['sh', '-c', script, 'sh', image])).trim().split('\n');
      assert.deepEqual([lines.filter((line) => line === 'ran').length, lines.at(-1)], [64, '1']);
    }
  });
});

function descriptors(listed: string): readonly string[] {
  return listed.trim().split('\n').toSorted();
}
