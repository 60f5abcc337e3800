// SPDX-License-Identifier: Apache-2.0
// `ch-run --join`: one container for the ranks of a node, under mpirun, Slurm and by hand; whole groups only, and nothing
// left behind, whoever is killed. Without it ranks are apart, as the FAQ says, and Open MPI's single copy fails.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { compileStatic, imageCommands, makeImages } from '../run/images.ts';
import { type Talk, talkWith } from '../run/talk.ts';
import { realImage } from '../support/images.ts';
import { isRoot, needs } from '../support/needs.ts';
import { runMpiStep, slurmCommands, startSlurm } from '../support/slurm.ts';
import { acquireTestUser } from '../support/user.ts';

const skip = needs({
  commands: [...imageCommands, 'mpirun.openmpi', 'mpicc.openmpi', 'ps'],
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
  const inMemory = (): readonly string[] => readdirSync('/dev/shm').filter((name) => ownerOf(name) === user.uid);
  const before = inMemory();
  /** What the user has in /dev/shm since: but for the plans of nodes without a run directory, which stay. */
  const shared = (): readonly string[] =>
    inMemory().filter((name) => !before.includes(name) && name !== `slipway-${user.uid}`);

  for (const [form, image] of [
    ['a directory', directory],
    ['a squashfs file', squashfs],
  ] as const) {
    test(`64 ranks of mpirun share ${form}, and nothing is left`, async () => {
      const said = await ranks(64, '--join', image, '--', 'sh', '-c', where);
      assert.equal(said.trim().split('\n').length, 64);
      assert.equal(places(said).size, 1, said);
      assert.deepEqual(shared(), []);
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
        assert.equal(await node.runOk(['sh', '-c', 'ls /dev/shm | grep ch-run || :']), '');
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
    const second = await user.runOk([
      'ch-run',
      '--join-ct=2',
      '--join-tag=late',
      '-c',
      '/work',
      '--set-env=A=1',
      './other',
      '--',
      'sh',
      '-c',
      `${where}; pwd; cat note; echo "$A"`,
    ]);
    assert.equal(second, `${place}\n/work\nfrom the image\n1\n`);
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
    assert.deepEqual(shared(), []);
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

  test('Open MPI over the ranks of one container', { skip: isRoot() ? false : 'root: makes the image' }, async () => {
    const layout = await realImage('debian-openmpi');
    await shell(
      `slipway convert --to directory oci:${layout} ompi >/dev/null 2>&1; touch ompi/etc/passwd ompi/etc/group`,
    );
    const said = await ranks(4, '--join', './ompi', '--', 'ranks');
    assert.equal(said.match(/^rank [0-3] of 4 on \S+, sum 6, /gm)?.length, 4, said);
  });

  test('waits for peers no longer than they would, and says so', async () => {
    const refused = await user.run(['ch-run', '--join', directory, '--', 'true'], {
      env: { SLURM_CPUS_ON_NODE: undefined },
    });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /error: join: no valid peer group size found/);
  });
});

async function finish(talk: Talk): Promise<void> {
  talk.release();
  const { status } = await talk.end;
  assert.equal(status, 0);
}

/** Whose it is; nobody's where it is gone meanwhile. */
function ownerOf(name: string): number | undefined {
  return statSync(`/dev/shm/${name}`, { throwIfNoEntry: false })?.uid;
}
