// SPDX-License-Identifier: Apache-2.0
// One mount of an image for all its ranks on a node: how many there are, who shares one, what survives whose death, and
// that nothing is left in the end. Every wait has a deadline; none asserts how long something takes.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { compileStatic, imageCommands, makeImages } from './images.ts';
import { launch } from './launch.ts';
import { type Talk, talkWith } from './talk.ts';

const skip = needs({ commands: [...imageCommands, 'gcc'], userNamespaces: true, fuse: true });
const deadlineMs = 120_000;

suite('the holder of an image', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const peek = join(user.home, 'peek');
  await compileStatic('peek.c', peek);

  /** The processes of the test user for which `matches` is true of their directory in /proc. */
  const processes = (matches: (path: string) => boolean): readonly number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => {
        try {
          const status = readFileSync(`/proc/${name}/status`, 'utf8');
          const isAlive = !/^State:\s+[ZX]/m.test(status);
          return isAlive && Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) === user.uid && matches(`/proc/${name}`);
        } catch {
          return false; // it ended meanwhile
        }
      })
      .map(Number);
  const plans = join(user.runtimeDirectory, 'slipway');
  /** Holders that this test's launches have started: they have the directory for plans open as descriptor 3. */
  const holders = (): readonly number[] =>
    processes(
      (path) => readFileSync(`${path}/comm`, 'utf8') === 'slipway-holder\n' && readlinkSync(`${path}/fd/3`) === plans,
    );
  /** FUSE servers of an image: they have it open as descriptor 3, by whatever path their own mounts give it. */
  const servers = (image = squashfs): readonly number[] => {
    const { dev, ino } = statSync(image);
    return processes((path) => {
      if (readFileSync(`${path}/comm`, 'utf8') !== 'squashfuse_ll\n') return false;
      const opened = statSync(`${path}/fd/3`);
      return opened.dev === dev && opened.ino === ino;
    });
  };
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    const deadline = Date.now() + deadlineMs;
    while (!holds()) {
      assert.ok(Date.now() < deadline, `${what}: not within ${deadlineMs} ms`);
      await delay(5);
    }
  };
  const gone = (): Promise<void> => until('holder and server end', () => holders().length + servers().length === 0);
  const kill = (pid: number | undefined): void => {
    assert.ok(pid !== undefined);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };

  const started: Talk[] = [];
  afterEach(() => {
    for (const { release } of started.splice(0)) release();
    for (const pid of holders()) kill(pid);
  });
  /** A rank that prints what `show` does, then reads lines, running each as a command, until its input ends. */
  const rank = (words: readonly string[], env: Readonly<Record<string, string>> = {}, show = namespaces): Talk => {
    const talk = talkWith(
      user,
      ['slipway', 'run', ...words, '--', 'sh', '-c', `${show}; while read -r line; do eval "$line"; done`],
      {
        env: { SLIPWAY_LINGER: '0', ...env },
      },
    );
    started.push(talk);
    return talk;
  };
  const namespaces = 'echo $(readlink /proc/self/ns/user) $(readlink /proc/self/ns/mnt)';
  const finish = async (ranks: readonly Talk[]): Promise<void> => {
    for (const { release } of ranks) release();
    for (const { end } of ranks) assert.deepEqual(await end, { status: 0, signal: null });
  };

  test('is one for 32 ranks at once, with one FUSE server, and all are in the same namespaces', async () => {
    const ranks = Array.from({ length: 32 }, (_, index) => rank([squashfs], { SLURM_PROCID: String(index) }));
    const places = new Set<string | undefined>();
    for (const { line } of ranks) places.add(await line());
    assert.equal(places.size, 1);
    assert.match([...places][0] ?? '', /^user:\[\d+\] mnt:\[\d+\]$/);
    assert.deepEqual([holders().length, servers().length], [1, 1]);
    await finish(ranks);
    await gone();
  });

  test('of an unpacked image is one for the ranks of a step, and none without ranks', async () => {
    const ranks = Array.from({ length: 8 }, (_, index) => rank([directory], { SLURM_PROCID: String(index) }));
    const places = new Set<string | undefined>();
    for (const { line } of ranks) places.add(await line());
    assert.equal(places.size, 1);
    assert.equal(holders().length, 1);
    const alone = [rank([directory]), rank([directory])];
    for (const { line } of alone) places.add(await line());
    assert.equal(places.size, 3);
    assert.equal(holders().length, 1);
    await finish([...ranks, ...alone]);
    await gone();
  });

  test('is idle, and all ranks run, where there are more of them than it may have descriptors for', async () => {
    await launch(user, [squashfs, '--', 'true'], { env: { SLIPWAY_LINGER: '0' } });
    const script = `ulimit -n 24; exec slipway run "$1" -- sh -c 'echo ran; read -r _'`;
    const ranks = Array.from({ length: 32 }, () => {
      const talk = talkWith(user, ['sh', '-c', script, 'sh', squashfs], { env: { SLIPWAY_LINGER: '0' } });
      started.push(talk);
      return talk;
    });
    for (const { line } of ranks) assert.equal(await line(), 'ran');
    const ticks = (): number =>
      holders()
        .map((pid) =>
          readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /, '')
            .split(' '),
        )
        .reduce((sum, fields) => sum + Number(fields[11]) + Number(fields[12]), 0);
    const before = ticks();
    await delay(1000);
    assert.ok(ticks() - before <= 5, 'idle');
    for (const { release } of ranks) release();
    for (const { end } of ranks) await end;
    await gone();
  });

  test('lets ranks read one another’s memory', { skip: isPtraceRestricted() }, async () => {
    for (const image of [squashfs, directory]) {
      const env = { SLURM_PROCID: '0', SLIPWAY_LINGER: '0' };
      const shown = talkWith(user, ['slipway', 'run', image, '--', peek, 'show', 'from the other rank'], { env });
      const place = (await shown.line())?.split(' ') ?? [];
      assert.equal(place.length, 3);
      const read = await launch(user, [image, '--', peek, 'read', ...place], { env: { ...env, SLURM_PROCID: '1' } });
      assert.equal(read.stdout, 'from the other rank\n');
      await finish([shown]);
    }
    await gone();
  });

  test('is another for another job, step or session, and for other mounts', async () => {
    const ranks = [
      rank([squashfs], { SLURM_JOB_ID: '7', SLURM_STEP_ID: '0' }),
      rank([squashfs], { SLURM_JOB_ID: '7', SLURM_STEP_ID: '1' }),
      rank([squashfs], { SLURM_JOB_ID: '8', SLURM_STEP_ID: '0' }),
      rank([squashfs], { SLURM_JOB_ID: '7', SLURM_STEP_ID: '0', XDG_SESSION_ID: '3' }),
      rank(['-v', './image:/mnt', squashfs], { SLURM_JOB_ID: '7', SLURM_STEP_ID: '0' }),
    ];
    const same = [
      rank([squashfs], { SLURM_JOB_ID: '7', SLURM_STEP_ID: '0', SLURM_PROCID: '5' }),
      rank(['--env=A=1', squashfs], { SLURM_JOB_ID: '7', SLURM_STEP_ID: '0' }),
    ];
    const places: (string | undefined)[] = [];
    for (const { line } of ranks) places.push(await line());
    assert.equal(new Set(places).size, 5);
    for (const { line } of same) assert.equal(await line(), places[0]);
    assert.deepEqual([holders().length, servers().length], [5, 5]);
    await finish([...ranks, ...same]);
    await gone();
  });

  test('is not for who writes to the root, nor with --join=never', async () => {
    const ranks = [rank(['-w', squashfs]), rank(['-w', squashfs]), rank(['--join=never', squashfs])];
    const places = new Set<string | undefined>();
    for (const { line } of ranks) places.add(await line());
    assert.deepEqual([places.size, holders().length, servers().length], [3, 0, 3]);
    await finish(ranks);
    await gone();
  });

  test('keeps nothing open of whoever started it, and is in no process group of his', async () => {
    // With a holder that stays, a pipe that it kept would never be seen closed.
    const result = await launch(user, [squashfs, '--', 'echo', 'ran'], {
      env: { SLIPWAY_LINGER: 'never' },
      timeoutMs: deadlineMs,
    });
    assert.deepEqual([result.stdout, result.holder], ['ran\n', 'started']);
    const [holder = 0] = holders();
    const [server = 0] = servers();
    const opened = (pid: number): readonly string[] =>
      readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    for (const pid of [holder, server]) {
      for (const name of opened(pid))
        assert.doesNotMatch(name, /^pipe:|\/home(\/|$)(?!image\.squashfs)/, `${pid} ${name}`);
      const [group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
        .slice(2, 4)
        .map(Number);
      assert.deepEqual([group, session], [pid, pid]);
      assert.equal(readlinkSync(`/proc/${pid}/cwd`), pid === server ? '/' : '/');
    }
    kill(holder);
    await gone();
  });

  suite('lives on after its last rank', () => {
    test('not at all where SLIPWAY_LINGER is 0', async () => {
      for (let turn = 0; turn < 3; turn += 1) {
        const { holder } = await launch(user, [squashfs, '--', 'true'], { env: { SLIPWAY_LINGER: '0' } });
        assert.equal(holder, 'started');
        await gone();
      }
    });

    test('for a while by default: the next launch joins it, and then it goes', async () => {
      // On a machine that stands still for longer than that, the next launch finds none, and starts one.
      const seen = [(await launch(user, [squashfs, '--', 'true'])).holder];
      while (seen.at(-1) === 'started' && seen.length < 10)
        seen.push((await launch(user, [squashfs, '--', 'true'])).holder);
      assert.deepEqual([seen[0], seen.at(-1)], ['started', 'joined']);
      await gone();
    });

    test('as long as any rank does, however long', async () => {
      const [long, short] = [rank([squashfs]), rank([squashfs])];
      await long.line();
      await short.line();
      await finish([short]);
      const another = rank([squashfs]);
      await another.line();
      assert.equal(holders().length, 1);
      await finish([another]);
      // With nothing to linger for it would be gone by now, were it not for the first.
      await delay(200);
      assert.equal(holders().length, 1);
      await finish([long]);
      await gone();
    });

    test('until it is told to go, where SLIPWAY_LINGER is never', async () => {
      const env = { SLIPWAY_LINGER: 'never' };
      await launch(user, [squashfs, '--', 'true'], { env });
      await launch(user, ['--env=A=1', directory, '--', 'true'], { env });
      const [holder] = holders();
      // One that does not linger comes and goes meanwhile.
      await launch(user, ['-v', './image:/mnt', squashfs, '--', 'true'], { env: { SLIPWAY_LINGER: '0' } });
      await until('the other one ends', () => holders().length === 1);
      assert.deepEqual(holders(), [holder]);
      assert.equal((await launch(user, [squashfs, '--', 'true'], { env })).holder, 'joined');
      process.kill(holder ?? 0, 'SIGTERM');
      await gone();
      assert.equal((await launch(user, [squashfs, '--', 'true'], { env: { SLIPWAY_LINGER: '0' } })).holder, 'started');
      await gone();
    });
  });

  suite('and death', () => {
    test('of the holder: the ranks go on, the next launch starts a new one, and then all goes', async () => {
      const ranks = [rank([squashfs]), rank([squashfs])];
      const places = new Set<string | undefined>();
      for (const { line } of ranks) places.add(await line());
      const [holder] = holders();
      kill(holder);
      await until('the holder is dead', () => holders().length === 0);
      for (const { line, tell } of ranks) {
        // Something that was not read before.
        tell('cat /work/note');
        assert.equal(await line(), 'from the image');
      }
      const late = rank([squashfs]);
      places.add(await late.line());
      assert.deepEqual([places.size, holders().length, servers().length], [2, 1, 2]);
      await finish([...ranks, late]);
      await gone();
    });

    test('of the FUSE server: the next launch has a new one', async () => {
      const env = { SLIPWAY_LINGER: 'never' };
      for (let turn = 0; turn < 20; turn += 1) {
        await launch(user, [squashfs, '--', 'true'], { env });
        kill(servers()[0]);
        // In the moment before the holder has noticed, a launch may still join it: it fails, and says why.
        const hasty = await launch(user, [squashfs, '--', 'echo', 'ran'], { env });
        if (hasty.status !== 0) {
          assert.equal(hasty.status, 125, hasty.said);
          assert.match(hasty.said, /hint: the process that served the image has just died; run it again/);
        }
        await until('a new server is there, or none', () => servers().length === holders().length);
        const { status, said, stdout } = await launch(user, [squashfs, '--', 'echo', 'ran'], { env });
        assert.deepEqual([status, stdout], [0, 'ran\n'], said);
      }
      for (const pid of holders()) kill(pid);
      await gone();
    });

    test('of the FUSE server below a running rank: only what still needs it fails', async () => {
      const old = rank([squashfs]);
      await old.line();
      kill(servers()[0]);
      await until('the holder has ended', () => holders().length === 0);
      const next = rank([squashfs]);
      assert.match((await next.line()) ?? '', /^user:/);
      old.tell('echo still here');
      assert.equal(await old.line(), 'still here');
      await finish([next]);
      old.release();
      await old.end;
      await gone();
    });

    test('of whoever starts it, at any moment: the next launch works, and nothing is left', async () => {
      for (let turn = 0; turn < 20; turn += 1) {
        const starter = rank([squashfs]);
        await delay(Math.random() * 40);
        kill(starter.pid);
        starter.release();
        await starter.end;
        const { status, stdout, said } = await launch(user, [squashfs, '--', 'echo', 'ran'], {
          env: { SLIPWAY_LINGER: '0' },
        });
        assert.deepEqual([status, stdout], [0, 'ran\n'], said);
      }
      await gone();
      const left = readdirSync(plans);
      assert.deepEqual(
        left.filter((name) => /~$|\.\d+$/.test(name)),
        [],
        'no unfinished files or sockets',
      );
    });

    test('of all of it at once', async () => {
      const ranks = Array.from({ length: 8 }, () => rank([squashfs]));
      for (const { line } of ranks) await line();
      for (const pid of [...servers(), ...holders(), ...ranks.map(({ pid }) => pid)]) kill(pid);
      for (const { end } of ranks) assert.equal((await end).signal, 'SIGKILL');
      await gone();
      const { stdout } = await launch(user, [squashfs, '--', 'echo', 'ran'], { env: { SLIPWAY_LINGER: '0' } });
      assert.equal(stdout, 'ran\n');
      await gone();
    });
  });

  test('comes and goes under a crowd that comes and goes', async () => {
    const script = [
      'for worker in 1 2 3 4; do',
      '  (i=0; while [ $i -lt 25 ]; do i=$((i+1)); slipway run "$1" -- echo ran || echo failed; done) &',
      'done; wait',
    ].join('\n');
    const said = await user.runOk(['sh', '-c', script, 'sh', squashfs], { env: { SLIPWAY_LINGER: '0' } });
    assert.equal(said, 'ran\n'.repeat(100));
    await gone();
  });
});

/** Yama's restriction is the machine's, with or without containers. */
function isPtraceRestricted(): string | false {
  try {
    const scope = readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8').trim();
    return scope === '0' ? false : `machine: kernel.yama.ptrace_scope is ${scope}`;
  } catch {
    return false;
  }
}
