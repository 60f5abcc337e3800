// SPDX-License-Identifier: Apache-2.0
// Shifter's containers in jobs on two real nodes: pinned at submission, prepared by the prolog where a job has its nodes for
// itself, built by each user where not, and gone with the job, however it ends.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { before, describe, it } from 'node:test';
import { type Slurm, startSlurm } from '../support/slurm.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, maker, noXfs, type TestSite } from '../shifter/site.ts';
import { shifterJobsNeed, slurmPlugin } from './plugin.ts';
import { until } from './until.ts';

const skip = shifterJobsNeed();

describe('shifter in jobs', { skip }, () => {
  let slurm: Slurm;
  let user: TestUser;
  let other: TestUser;
  let site: TestSite;

  const env = (): Readonly<Record<string, string | undefined>> => ({ ...slurm.env, ...site.env });
  /** What a name means to the site's image service. */
  const point = (name: string, identity: string): void => {
    site.write(`tags/${name}`, `${identity}\n`);
  };
  const submit = async (
    words: readonly string[],
    script: string,
  ): Promise<{ readonly id: string; readonly output: string }> => {
    const output = join(user.home, `out-${Math.random().toString(36).slice(2)}`);
    const id = await user.runOk(['sbatch', '--parsable', `--output=${output}`, ...words], {
      env: env(),
      input: script,
    });
    return { id: id.trim(), output };
  };
  const ended = async (id: string): Promise<void> => {
    while (
      (await user.runOk(['squeue', '--noheader', `--jobs=${id}`, '--states=all', '--format=%T'], { env: env() })).match(
        /PENDING|RUNNING|CONFIGURING|COMPLETING/,
      )
    )
      await delay(100);
  };
  /** What a node has of prepared containers, in mounts and records; and loop devices of the site's images and caches, of all nodes. */
  const leftOn = async (): Promise<readonly string[]> =>
    await Promise.all(
      slurm.nodes.map(async (node) =>
        (
          await node.runOk([
            'sh',
            '-c',
            `grep -c ' ${site.udiMount}' /proc/self/mountinfo; ls -d /run/slipway-shifter /run/slipway/job-* 2>/dev/null | wc -l; cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep '^${site.directory}/' | wc -l`,
          ])
        ).replaceAll('\n', ' '),
      ),
    );
  const clean = async (): Promise<void> => {
    await until(async () => (await leftOn()).every((text) => text === '0 0 0 '));
  };

  before(async () => {
    user = await acquireTestUser();
    other = await acquireTestUser();
    site = makeSite([user, other]);
    // The part of an image service that a job sees: a name, and what it means now.
    site.write(
      'bin/shifterimg',
      `#!/bin/sh\n[ "$1" = lookup ] || exit 2\nexec cat "${site.directory}/tags/\${2#docker:}" 2>/dev/null\n`,
      0o755,
    );
    await site.addImage('old', { real: 'busybox' }, ['ENV: PATH=/usr/bin:/bin', 'ENV: WHICH=old']);
    await site.addImage('new', { real: 'busybox' }, ['ENV: PATH=/usr/bin:/bin', 'ENV: WHICH=new']);
    point('tools', 'old');
    slurm = await startSlurm({
      plugstack: `required ${await slurmPlugin()} shifter_config=${site.configPath}\n`,
      cpusPerNode: 32,
    });
  });

  it('runs tasks of both nodes in containers that the prolog prepared, entered and not mounted', async () => {
    const said = await user.runOk(
      [
        'srun',
        '-N2',
        '-n8',
        '--exclusive',
        '--image=tools',
        'shifter',
        'sh',
        '-c',
        `echo "$(hostname) $WHICH $SHIFTER_IMAGE ${maker} $(sort -u /var/hostsfile | tr "\\n" ,)"`,
      ],
      { env: env() },
    );
    const lines = said.trim().split('\n');
    assert.equal(lines.length, 8);
    assert.deepEqual([...new Set(lines)].toSorted(), ['n1 old old root n1,n2,', 'n2 old old root n1,n2,']);
    await clean();
  });

  it('refuses an image that is not there at submission, with the reason', async () => {
    for (const command of [['srun', '-n1'], ['salloc'], ['sbatch', '--wrap=true']]) {
      const refused = await user.run(
        [...command, '--image=nosuch', 'true'].filter((word) => command[0] !== 'sbatch' || word !== 'true'),
        { env: env() },
      );
      assert.notEqual(refused.status, 0);
      assert.match(refused.stderr, /docker:nosuch/);
    }
    assert.equal(await user.runOk(['squeue', '--noheader'], { env: env() }), '');
  });

  it('keeps the image of the submission for a waiting job, in a script that shifter interprets', async () => {
    const shifter = join(user.prefix, 'bin/shifter');
    const { id, output } = await submit(
      ['--hold', '--image=tools', '-N1', '--exclusive'],
      `#!${shifter} /bin/sh\necho "$WHICH $0"\n`,
    );
    point('tools', 'new');
    await user.runOk(['scontrol', 'release', id], { env: env() });
    await ended(id);
    assert.match(readFileSync(output, 'utf8'), /^old .*slurm_script$/m);
    point('tools', 'old');
    await clean();
  });

  it('shows all volumes of a script with several, to the job and to its steps', async () => {
    site.configure(`siteFs=${site.directory}/share:/share`);
    for (const name of ['data', 'results']) site.write(`share/${name}/file`, `${name}\n`);
    const volumes = ['data:/input', 'results:/output'].map((volume) => `#SBATCH --volume=/share/${volume}`);
    const program = `shifter sh -c 'cat /input/file /output/file; echo ${maker}'`;
    const { id, output } = await submit(
      ['--image=tools', '-N1', '--exclusive'],
      ['#!/bin/sh', ...volumes, program, `srun -n1 ${program}`, ''].join('\n'),
    );
    await ended(id);
    assert.equal(readFileSync(output, 'utf8'), 'data\nresults\nroot\n'.repeat(2));
    site.configure();
    await clean();
  });

  it('runs the tasks of a job array', async () => {
    const { id, output } = await submit(
      ['--array=1-3', '--image=tools', '-n1', '--open-mode=append'],
      '#!/bin/sh\nsrun -n1 shifter sh -c \'echo "task $SLURM_ARRAY_TASK_ID in $WHICH"\'\n',
    );
    await ended(id);
    const lines = readFileSync(output, 'utf8').trim().split('\n').toSorted();
    assert.deepEqual(lines, ['task 1 in old', 'task 2 in old', 'task 3 in old']);
    await clean();
  });

  it('keeps two users on one node apart', async () => {
    const start = async (who: TestUser): Promise<string> =>
      await who.runOk(
        [
          'srun',
          '-w',
          'n1',
          '-n2',
          '--overlap',
          '--image=tools',
          'shifter',
          'sh',
          '-c',
          'sleep 1; id -u; ls /proc/self/ns >/dev/null; cat /var/shifterConfig.json',
        ],
        { env: env() },
      );
    const [mine, theirs] = await Promise.all([start(user), start(other)]);
    for (const [who, text] of [
      [user, mine],
      [other, theirs],
    ] as const) {
      assert.equal(text.match(new RegExp(`^${who.uid}$`, 'gm'))?.length, 2, text);
      assert.equal(text.match(new RegExp(`"user":"${who.name}"`, 'g'))?.length, 2, text);
    }
    await clean();
  });

  it('uses one loop device or one FUSE mount a node, for 64 ranks', async () => {
    // A rank names its mounts when all ranks are there, and the first counts the loop devices that show the site's images: of
    // both nodes, which have one kernel.
    const script = [
      'touch "$1/$SLURM_PROCID"',
      'while set -- "$1" "$1"/*; [ $# != 65 ]; do sleep 0.5; done',
      'echo "$(hostname) $(readlink /proc/self/ns/mnt)"',
      '[ $SLURM_PROCID != 0 ] || echo "loops $(cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -c "^$0/")"',
    ].join('\n');
    const ranks = async (...words: readonly string[]): Promise<string> => {
      const meeting = user.makeDirectory(`meeting${words.length}`);
      const program = ['shifter', 'sh', '-c', script, site.imagePath, meeting];
      const options = { env: env(), timeoutMs: 240_000 };
      return await user.runOk(['srun', '-N2', '-n64', ...words, '--image=tools', ...program], options);
    };
    assert.match(await ranks('--exclusive'), /^loops 2$/m);
    await clean();
    const shared = await ranks();
    assert.match(shared, /^loops 0$/m);
    assert.equal(shared.match(/^n\d mnt:/gm)?.length, 64, shared);
    assert.equal(new Set(shared.match(/^n\d mnt:\S+/gm)).size, 2, 'the ranks of a node are in one container');
  });

  it('releases what a daemon that was lost left of another job, before the next one', async () => {
    const prepare = [
      `${user.prefix}/bin/setupRoot -c ${site.configPath} -U ${user.uid} -G ${user.gid} -u ${user.name} id new`,
      'mkdir -p /run/slipway',
      `echo '{"udiMount":"${site.udiMount}","state":"begun"}' > /run/slipway/job-999999.json`,
    ];
    await slurm.nodes[0]?.runOk(['sh', '-euc', prepare.join('\n')]);
    const words = ['-w', 'n1', '-n1', '--exclusive', '--image=tools', 'shifter', 'sh', '-c'];
    assert.equal(await user.runOk(['srun', ...words, `echo $WHICH ${maker}`], { env: env() }), 'old root\n');
    await clean();
  });

  it('leaves nothing when a job is cancelled while it is being set up', async () => {
    const hook = site.write('slow.sh', 'sleep 3\n', 0o755);
    site.configure(`sitePreMountHook=${hook}`);
    const { id } = await submit(['-N2', '--exclusive', '--image=tools'], '#!/bin/sh\nsrun shifter true\n');
    for (
      let tries = 0;
      tries < 50 && !(await slurm.nodes[0]?.run(['sh', '-c', 'ls /run/slipway/job-*']))?.stdout;
      tries += 1
    )
      await delay(50);
    await user.runOk(['scancel', id], { env: env() });
    await ended(id);
    site.configure();
    await clean();
    assert.equal(
      await user.runOk(['srun', '-N2', '--exclusive', '-n2', '--image=tools', 'shifter', 'sh', '-c', 'echo $WHICH'], {
        env: env(),
      }),
      'old\nold\n',
    );
    await clean();
  });

  for (const [how, words] of [
    ['that was prepared', ['--exclusive']],
    ['of its own tasks', []],
  ] as const) {
    it(`leaves nothing of a container ${how} when a job is cancelled while its ranks start`, async () => {
      const signs = user.makeDirectory(`started${words.length}`);
      const rank = `shifter sh -c 'touch ${signs}/$SLURM_PROCID; sleep 300'`;
      const { id } = await submit(['-N2', '-n48', ...words, '--image=tools'], `#!/bin/sh\nsrun ${rank}\n`);
      await until(async () => readdirSync(signs).length > 0);
      await user.runOk(['scancel', id], { env: env() });
      await ended(id);
      await clean();
    });
  }

  it(
    'has a cache of the job’s own on each node, for all its tasks and steps, of the size that was asked for',
    { skip: noXfs },
    async () => {
      site.configure(
        `perNodeCachePath=${site.directory}/caches`,
        'perNodeCacheSizeLimit=400m',
        'mkfsXfsPath=/sbin/mkfs.xfs',
      );
      const volume = (size: string): string => `--volume=/none:/cache:perNodeCache=size=${size}`;
      const { id, output } = await submit(
        ['-N2', '--exclusive', '--image=tools', volume('320m')],
        [
          '#!/bin/sh',
          "srun -n8 shifter sh -c 'echo x > /cache/$SLURM_PROCID'",
          'srun -n2 shifter sh -c \'echo $(ls /cache); dd if=/dev/zero of=/cache/big bs=1M count=400 2>&1 | grep -o "No space.*"\'',
          'true',
          '',
        ].join('\n'),
      );
      await ended(id);
      const full = 'No space left on device';
      const lines = readFileSync(output, 'utf8').trim().split('\n').toSorted();
      assert.deepEqual(lines, ['0 1 2 3', '4 5 6 7', full, full]);
      await clean();
      assert.deepEqual(readdirSync(join(site.directory, 'caches')), []);

      const tooLarge = ['-N1', '--exclusive', '--image=tools', volume('500m'), 'shifter', 'true'];
      const refused = await user.run(['srun', ...tooLarge], { env: env() });
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /make a cache for \/cache: \d+ bytes are more than the site's limit/);
      site.configure('perNodeCachePath=/proc/none', 'mkfsXfsPath=/sbin/mkfs.xfs');
      const failed = await user.run(['srun', ...tooLarge], { env: env() });
      assert.match(failed.stderr, /enter the container of job \d+: .*\/proc\/none/);
      site.configure();
      await clean();
    },
  );

  it('drains no node for a prolog that can not prepare, says why, and lets the tasks try', async () => {
    const hook = site.write('fails.sh', 'echo broken hook >&2; exit 9\n', 0o755);
    site.configure(`sitePreMountHook=${hook}`);
    const result = await user.run(['srun', '-N1', '--exclusive', '--image=tools', 'shifter', 'true'], { env: env() });
    assert.equal(result.status, 1);
    assert.match(result.stderr, /sitePreMountHook .*fails.sh: it ended with status 9/);
    site.configure();
    await clean();
    let states = 'completing';
    await until(async () => {
      states = (await user.runOk(['sinfo', '--noheader', '--format=%T'], { env: env() })).trim();
      return !states.includes('completing');
    });
    assert.equal(states, 'idle');
    assert.match(slurm.nodes.map((node) => node.log()).join(''), /it ended with status 9/);
  });

  it('has nothing prepared of a foreign image, and its tasks run it all the same', async () => {
    await site.addImage('foreign', { real: 'busybox' }, ['ENV: PATH=/bin', 'ENV: WHICH=foreign'], true);
    point('foreign', 'foreign');
    const said = await user.runOk(
      ['srun', '-N1', '--exclusive', '--image=foreign', 'shifter', 'sh', '-c', `echo $WHICH ${maker}`],
      { env: env() },
    );
    assert.equal(said, 'foreign user\n');
    writeFileSync(join(site.directory, 'tags/foreign'), '');
    await clean();
  });
});
