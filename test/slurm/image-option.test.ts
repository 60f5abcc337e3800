// SPDX-License-Identifier: Apache-2.0
// `--image` of srun, salloc and sbatch: the image is found when the job is submitted, refused there, and stays the same
// whatever its name comes to mean. With no configuration of Shifter it is for `slipway run`, from the submitter's store.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { needs } from '../support/needs.ts';
import { type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { type Slurm, slurmCommands, startSlurm } from '../support/slurm.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { pluginHeader, slurmPlugin } from './plugin.ts';
import { imageCommands, makeImages, pullImage, writeAs } from '../run/images.ts';

const skip = needs({
  commands: [...slurmCommands, ...imageCommands, ...registryCommands, pluginHeader],
  root: true,
  fuse: true,
});

describe('--image of a job, without Shifter', { skip }, () => {
  let slurm: Slurm;
  let user: TestUser;
  let registry: Registry;
  let directory: string;

  /** Pulls an image of this name in which /work/note says `note`. */
  const pull = async (note: string): Promise<string> => {
    await writeAs(user, join(directory, 'work/note'), `${note}\n`);
    const config = { Env: ['OF_THE_IMAGE=yes'], Cmd: ['cat', '/work/note'] };
    return await pullImage(directory, { registry, name: 'tools:1', config, user });
  };

  before(async () => {
    user = await acquireTestUser();
    registry = await startRegistry();
    ({ directory } = await makeImages(user));
    slurm = await startSlurm({ plugstack: `required ${await slurmPlugin()}\n` });
  });

  it('is the image of `slipway run` without one, on every node and rank', async () => {
    const name = await pull('the first');
    const said = await user.runOk(
      [
        'srun',
        '-N2',
        '-n4',
        `--image=${name}`,
        'slipway',
        'run',
        '--',
        'sh',
        '-c',
        'cat /work/note; echo $OF_THE_IMAGE',
      ],
      { env: slurm.env },
    );
    assert.deepEqual(said.trim().split('\n').toSorted(), [
      ...Array.from({ length: 4 }, () => 'the first'),
      ...Array.from({ length: 4 }, () => 'yes'),
    ]);
  });

  it("stays the image of a waiting job whose name is pulled anew, also without the submitter's variables", async () => {
    const name = await pull('of the submission');
    const script = '#!/bin/sh\nslipway run\nsrun -n1 slipway run\n';
    const wrapped = join(user.home, 'job.sh');
    await writeAs(user, wrapped, script, '755');
    for (const variables of ['ALL', `PATH=${user.env['PATH']},HOME=${user.home}`]) {
      const output = join(user.home, 'job.out');
      await pull('of the submission');
      const id = (
        await user.runOk(
          ['sbatch', '--parsable', '--hold', `--export=${variables}`, `--output=${output}`, `--image=${name}`, wrapped],
          { env: slurm.env },
        )
      ).trim();
      await pull('of afterwards');
      await user.runOk(['scontrol', 'release', id], { env: slurm.env });
      await user.runOk(['srun', `--dependency=afterany:${id}`, '-n1', 'true'], { env: slurm.env });
      assert.equal(await user.runOk(['cat', output]), 'of the submission\nof the submission\n');
    }
  });

  it('is refused at submission when there is no such image, with what to do', async () => {
    for (const command of [
      ['srun', '-n1', 'true'],
      ['sbatch', '--wrap=true'],
      ['salloc', '-n1', 'true'],
    ]) {
      const [program = '', ...words] = command;
      const result = await user.run([program, '--image=no-such-image:1', ...words], { env: slurm.env });
      assert.notEqual(result.status, 0);
      assert.match(result.stderr, /no-such-image:1/);
      assert.match(result.stderr, /hint: .*slipway pull/);
    }
    assert.equal((await user.runOk(['squeue', '--noheader', '--me'], { env: slurm.env })).trim(), '');
  });

  it('is the only one of the options that needs no configuration', async () => {
    const result = await user.run(['srun', '-n1', '--image=tools:1', '--volume=/a:/b', 'true'], { env: slurm.env });
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /--volume: this site has no \/etc\/shifter\/udiRoot\.conf/);
  });

  it('costs a job without it nothing: Slipway is not started', async () => {
    assert.equal(
      await user.runOk(['srun', '-N2', '-n2', 'sh', '-c', 'echo ${SLIPWAY_JOB_IMAGE-none}'], { env: slurm.env }),
      'none\nnone\n',
    );
  });
});
