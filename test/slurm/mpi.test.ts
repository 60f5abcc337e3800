// SPDX-License-Identifier: Apache-2.0
// MPI over two nodes: a program that was built for Debian 11's MPICH and glibc runs with the host's, which a module of the
// site brings; Open MPI of an image runs as it is, by PMIx.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runOk } from '../support/command.ts';
import { runMpiStep, type Slurm, startSlurm } from '../support/slurm.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type TestSite } from '../shifter/site.ts';
import { shifterJobsNeed, slurmPlugin } from './plugin.ts';

const skip = shifterJobsNeed('mpicc.mpich', 'patchelf');

describe('MPI in containers', { skip }, () => {
  let slurm: Slurm;
  let user: TestUser;
  let site: TestSite;

  const srun = async (...words: readonly string[]): Promise<string> =>
    await runMpiStep(user, words, { ...slurm.env, ...site.env });
  const ranks = (said: string): readonly string[] => said.trim().split('\n').toSorted();

  before(async () => {
    user = await acquireTestUser();
    site = makeSite([user]);
    await site.addImage('mpich', { real: 'bullseye-mpich' }, ['ENV: PATH=/usr/bin:/bin']);
    await site.addImage('openmpi', { real: 'debian-openmpi' }, ['ENV: PATH=/usr/bin:/bin']);
    const module = join(site.directory, 'mpich');
    const lines = await runOk([join(user.prefix, 'bin/slipway'), 'inject', 'prepare-mpi', '--mpi=mpich', module]);
    site.configure(...lines.trim().split('\n'));
    slurm = await startSlurm({
      plugstack: `required ${await slurmPlugin()} shifter_config=${site.configPath}\n`,
      cpusPerNode: 4,
    });
  });

  it('runs with the library of the image without the module', async () => {
    const said = await srun('-N1', '-n2', '--mpi=pmi2', 'shifter', '--image=id:mpich', 'ranks');
    assert.match(said, /of 2 on n1, sum 1, MPICH Version:\t3\./);
  });

  for (const [how, exclusive] of [
    ['by each user', []],
    ['by the prolog', ['--exclusive']],
  ] as const) {
    it(`runs with the host's over both nodes in a container made ${how}`, async () => {
      const words = [
        ...exclusive,
        '--image=id:mpich',
        '--module=mpich',
        '-N2',
        '-n4',
        '--ntasks-per-node=2',
        '--mpi=pmi2',
        'shifter',
      ];
      assert.deepEqual(
        ranks(await srun(...words, 'ranks')).map((line) => line.replace(/Version:\t4\..*/, 'Version:\t4')),
        [0, 1, 2, 3].map((rank) => `rank ${rank} of 4 on n${rank < 2 ? 1 : 2}, sum 6, MPICH Version:\t4`),
      );
      const loaded = await srun(
        ...words.filter((word) => !/^-[Nn]|^--ntasks/.test(word)),
        'env',
        'LD_TRACE_LOADED_OBJECTS=1',
        'ranks',
      );
      assert.match(loaded, /libmpich\.so\.12 => \/opt\/udiImage\/modules\/mpich\/lib64\/libmpich\.so\.12/);
      assert.match(loaded, /libucp\.so\.0 => \/opt\/udiImage\/modules\/mpich\/lib64(?:\/\.)?\/dep\/libucp\.so\.0/);
    });
  }

  it('runs Open MPI of the image over both nodes by PMIx', async () => {
    const said = await srun(
      '-N2',
      '-n4',
      '--ntasks-per-node=2',
      '--mpi=pmix',
      'shifter',
      '--image=id:openmpi',
      'ranks',
    );
    assert.deepEqual(
      ranks(said).map((line) => line.replace(/, Open MPI v4\..*/, ', Open MPI')),
      [0, 1, 2, 3].map((rank) => `rank ${rank} of 4 on n${rank < 2 ? 1 : 2}, sum 6, Open MPI`),
    );
  });

  it('has the memory of other ranks of a node within reach', async () => {
    const said = await srun(
      '-N1',
      '-n2',
      '--mpi=pmi2',
      'shifter',
      '--image=id:mpich',
      '--module=mpich',
      'ranks',
      'pingpong',
      '1000000',
    );
    assert.ok(Number(said) > 0, said);
  });
});
