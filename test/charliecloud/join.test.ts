// SPDX-License-Identifier: Apache-2.0
// `ch-run --join`: one container for the ranks of a node, under mpirun, Slurm and by hand; whole groups only, and nothing
// left behind, whoever is killed. Without it ranks are apart, as the FAQ says, and Open MPI's single copy fails.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { compileStatic, imageCommands, makeImages } from '../run/images.ts';
import { type Talk, talkWith } from '../run/talk.ts';
import type { CommandResult } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { isRoot, needs } from '../support/needs.ts';
import { runMpiStep, slurmCommands, startSlurm } from '../support/slurm.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';

const skip = needs({
  commands: [...imageCommands, 'mpirun.openmpi', 'mpicc.openmpi', 'ps', 'flock'],
  userNamespaces: true,
  fuse: true,
});
const where = 'echo $(readlink /proc/self/ns/user) $(readlink /proc/self/ns/mnt)';

suite('ch-run --join', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const peek = join(user.home, 'peek');
  await compileStatic('peek.c', peek);
  const shell = (script: string): Promise<string> => user.runOk(['sh', '-euc', script]);
  const places = (said: string): ReadonlySet<string> => new Set(said.trim().split('\n'));
  const ranks = (count: number, ...words: string[]): Promise<string> =>
    user.runOk(['mpirun.openmpi', '--oversubscribe', '-np', String(count), 'ch-run', ...words], { timeoutMs: 100_000 });
  // An ordinary user's tests run side by side, and have their own things in /tmp.
  const shared = ['/dev/shm', user.temporaryDirectory, ...(isRoot() ? ['/tmp'] : [])];
  const owned = (): readonly string[] =>
    shared
      .flatMap((place) => readdirSync(place).map((name) => `${place}/${name}`))
      .filter((path) => isOf(path, user.uid));
  const before = owned();
  /** What the user has in shared places since: but for the plans of nodes without a run directory, which stay. */
  const left = (): readonly string[] =>
    owned().filter((path) => !before.includes(path) && path !== `/dev/shm/slipway-${user.uid}`);
  const inVain = await waitInVain(user, directory);

  for (const [form, image] of [
    ['a directory', directory],
    ['a squashfs file', squashfs],
  ] as const) {
    test(`64 ranks of mpirun share ${form}, and nothing is left`, async () => {
      const said = await ranks(64, '--join', image, '--', 'sh', '-c', where);
      assert.equal(said.trim().split('\n').length, 64);
      assert.equal(places(said).size, 1, said);
      assert.deepEqual(left(), []);
    });
  }

  test('without it, ranks of a directory are apart', async () => {
    assert.equal(places(await ranks(4, directory, '--', 'sh', '-c', where)).size, 4);
  });

  test(
    '64 tasks of Slurm share a container',
    { skip: needs({ commands: [...slurmCommands], root: true }) },
    async () => {
      const slurm = await startSlurm({ nodes: 2 });
      const said = await user.runOk(
        [
          'srun',
          '-N2',
          '-n128',
          '--mpi=none',
          'ch-run',
          '--join',
          directory,
          '--',
          'sh',
          '-c',
          `echo "$(hostname) $(${where})"`,
        ],
        { env: slurm.env, timeoutMs: 100_000 },
      );
      assert.equal(said.trim().split('\n').length, 128);
      assert.equal(places(said).size, 2, 'a container for each node');
      for (const node of slurm.nodes) {
        const look = `ls -A /dev/shm | grep -v "^slipway-${user.uid}$"; ps -u ${user.uid} -o args=; :`;
        const isClean = async (): Promise<boolean> => (await node.runOk(['sh', '-c', look])) === '';
        assert.ok(await becomesTrue(isClean), await node.runOk(['sh', '-c', look]));
      }
    },
  );

  test(
    'ranks are all rank 0 under srun without PMI, and the right ones with pmi2',
    { skip: needs({ commands: [...slurmCommands], root: true }) },
    async () => {
      const layout = await realImage('bullseye-mpich');
      await shell(
        `slipway convert --to directory oci:${layout} mpich >/dev/null 2>&1; touch mpich/etc/passwd mpich/etc/group`,
      );
      const slurm = await startSlurm();
      const srun = (type: string): Promise<string> =>
        runMpiStep(user, [`--mpi=${type}`, '-N2', '-n2', 'ch-run', './mpich', '--', 'ranks'], slurm.env);
      assert.equal((await srun('none')).match(/^rank 0 of 1 on /gm)?.length, 2);
      assert.equal((await srun('pmi2')).match(/^rank [01] of 2 on \S+, sum 1, /gm)?.length, 2);
    },
  );

  test('a group that is complete is over: the next has another image', async () => {
    await shell(`cp -a ${directory} other; echo other > other/work/note`);
    const run = (image: string): Promise<string> =>
      user.runOk(['ch-run', '--join-ct=1', '--join-tag=same', image, '--', 'cat', '/work/note']);
    assert.equal(await run(directory), 'from the image\n');
    assert.equal(await run('./other'), 'other\n');
  });

  test('who comes later sees what the first chose, but runs and stands where he says', async () => {
    const first = talkWith(user, [
      'ch-run',
      '--join-ct=2',
      '--join-tag=late',
      directory,
      '--',
      'sh',
      '-c',
      `${where}; read -r _ || :`,
    ]);
    const place = await first.line();
    const options = ['-v', '--join-ct=2', '--join-tag=late', '-c', '/work', '--set-env=A=1'];
    const second = await user.run([
      'ch-run',
      ...options,
      './other',
      '--',
      'sh',
      '-c',
      `${where}; pwd; cat note; echo "$A"`,
    ]);
    assert.equal(second.stdout, `${place}\n/work\nfrom the image\n1\n`, second.stderr);
    assert.match(
      second.stderr,
      /: join: 1 2 late 0 .*: join: I lost .*: joining namespaces of pid \d+ .*: join: 0 peers left excluding myself .*: join: cleaning up IPC resources .*: join: done /s,
    );
    await finish(first);
  });

  test('--join-pid goes where a process is', async () => {
    const first = talkWith(user, ['ch-run', directory, '--', 'sh', '-c', `echo $$; ${where}; read -r _ || :`]);
    const pid = await first.line();
    const place = await first.line();
    const joined = await user.runOk(['ch-run', `--join-pid=${pid}`, './other', '--', 'sh', '-c', where]);
    assert.equal(joined, `${place}\n`);
    await finish(first);
  });

  test('a killed first rank takes nobody with it, and leaves nothing', async () => {
    const words = ['ch-run', '--join-ct=3', '--join-tag=kill', directory, '--', 'sh', '-c'];
    const first = talkWith(user, [...words, 'echo $$; read -r _ || :']);
    const pid = await first.line();
    const second = talkWith(user, [...words, `${where}; read -r _ || :; cat /work/note`]);
    const place = await second.line();
    await user.runOk(['kill', '-9', pid ?? '']);
    first.release();
    await first.end;
    assert.equal(await user.runOk([...words, where]), `${place}\n`);
    await finish(second);
    assert.deepEqual(left(), []);
  });

  for (const [said, options, expected] of [
    ['without --join it may not', [], 'Operation not permitted\n'],
    ['with --join it may', ['--join-ct=2', '--join-tag=peek'], 'from the other rank\n'],
  ] as const) {
    test(`reading the memory of another rank: ${said}`, async () => {
      const bind = ['-b', `${user.home}:/mnt`];
      const show = talkWith(user, [
        'ch-run',
        ...options,
        ...bind,
        directory,
        '--',
        '/mnt/peek',
        'show',
        'from the other rank',
      ]);
      const place = ((await show.line()) ?? '').split(' ');
      const read = await user.run(['ch-run', ...options, ...bind, directory, '--', '/mnt/peek', 'read', ...place]);
      assert.equal(read.stdout, expected, read.stderr);
      await finish(show);
    });
  }

  test('without a number of peers there is no group', async () => {
    const refused = await user.run(['ch-run', '--join', directory, '--', 'true'], {
      env: { SLURM_CPUS_ON_NODE: undefined },
    });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /error: join: no valid peer group size found/);
  });

  test('who waits for a peer that is stuck gives up after half a minute, and harms nobody', async () => {
    for (const wait of await inVain.waits) {
      assert.equal(wait.status, 1);
      assert.match(
        wait.stderr,
        /^ch-run\[\d+\]: error: can't join the peer group: timeout waiting for join lock \(join/,
      );
      assert.ok(wait.elapsedMs >= 29_900, `after ${wait.elapsedMs} ms`);
    }
    await inVain.goOn();
    assert.deepEqual(left(), []);
  });

  // The last, as Open MPI makes the path of its directory for temporary files inside.
  test('Open MPI over the ranks of one container', { skip: isRoot() ? false : 'root: makes the image' }, async () => {
    const layout = await realImage('debian-openmpi');
    await shell(
      `slipway convert --to directory oci:${layout} ompi >/dev/null 2>&1; touch ompi/etc/passwd ompi/etc/group`,
    );
    const said = await ranks(4, '--join', './ompi', '--', 'ranks');
    assert.equal(said.match(/^rank [0-3] of 4 on \S+, sum 6, /gm)?.length, 4, said);
  });
});

type InVain = {
  /** Of those who waited: for the lock of a group that another holds, and for an answer of who keeps the group. */
  readonly waits: Promise<readonly (CommandResult & { readonly elapsedMs: number })[]>;
  /** Frees both groups, which then work as if nothing had been. */
  readonly goOn: () => Promise<void>;
};

/** Begins to wait for two groups whose first rank does not get on; other tests run meanwhile, as it takes long. */
async function waitInVain(user: TestUser, directory: string): Promise<InVain> {
  const rank = (tag: string, ...options: string[]): readonly string[] => [
    'ch-run',
    ...options,
    '--join-ct=2',
    `--join-tag=${tag}`,
    directory,
    '--',
    'sh',
    '-c',
    `${where}; read -r _ || :`,
  ];
  const timed = async (tag: string): Promise<CommandResult & { readonly elapsedMs: number }> => {
    const begin = performance.now();
    const result = await user.run(rank(tag), { timeoutMs: 300_000 });
    return { ...result, elapsedMs: performance.now() - begin };
  };
  const complete = async (tag: string): Promise<void> => {
    // The first stays until the second has come, however long that takes.
    const one = talkWith(user, rank(tag));
    const place = await one.line();
    assert.equal(await user.runOk(rank(tag)), `${place}\n`);
    await finish(one);
  };
  // Once a group has been, its lock is there to be taken.
  await complete('slow');
  const plans = join(user.runtimeDirectory, 'slipway');
  const locks = readdirSync(plans).filter((name) => name.startsWith('l-'));
  assert.equal(locks.length, 1);
  const lock = talkWith(user, ['flock', join(plans, locks[0] ?? ''), 'sh', '-c', 'echo held; read -r _']);
  assert.equal(await lock.line(), 'held');

  const first = talkWith(user, ['sh', '-c', `exec "$@" 2>said`, 'sh', ...rank('stopped', '-v')]);
  const place = await first.line();
  const holder = /joining namespaces of pid (\d+)/.exec(await user.runOk(['cat', 'said']))?.[1] ?? '';
  await user.runOk(['kill', '-STOP', holder]);
  return {
    waits: Promise.all([timed('slow'), timed('stopped')]),
    goOn: async () => {
      lock.release();
      await lock.end;
      await complete('slow');
      await user.runOk(['kill', '-CONT', holder]);
      assert.equal(await user.runOk(rank('stopped')), `${place}\n`);
      await finish(first);
    },
  };
}

async function finish(talk: Talk): Promise<void> {
  talk.release();
  const { status } = await talk.end;
  assert.equal(status, 0);
}

/** Asks until it is so, for two minutes. */
async function becomesTrue(isSo: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await delay(200)) {
    if (await isSo()) return true;
  }
  return await isSo();
}

/** Whether it is the user's; nobody's where it is gone meanwhile. */
function isOf(path: string, uid: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.uid === uid;
}
