// SPDX-License-Identifier: Apache-2.0
// The cluster that the other tests here run on is one: two nodes, apart where nodes are apart.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { needs } from '../support/needs.ts';
import { runMpiStep, type Slurm, slurmCommands, startSlurm } from '../support/slurm.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';

describe('a test cluster', { skip: needs({ commands: [...slurmCommands, 'setpriv'], root: true }) }, () => {
  let slurm: Slurm;
  let user: TestUser;

  before(async () => {
    user = await acquireTestUser();
    slurm = await startSlurm();
  });

  it('runs tasks of a user on both nodes, under their own names', async () => {
    const said = await user.runOk(['srun', '-N2', '-n8', 'sh', '-c', 'echo "$(hostname) $(id -u)"'], {
      env: slurm.env,
    });
    const lines = said.trim().split('\n').toSorted();
    assert.equal(lines.length, 8);
    assert.deepEqual([...new Set(lines)], [`n1 ${user.uid}`, `n2 ${user.uid}`]);
  });

  it('keeps memory and run directories of nodes apart, and shares homes', async () => {
    const script = 'touch /dev/shm/of-$(hostname) $HOME/of-$(hostname); ls /dev/shm | grep of-';
    const said = await user.runOk(['srun', '-N2', '--ntasks-per-node=1', 'sh', '-c', script], { env: slurm.env });
    assert.deepEqual(said.trim().split('\n').toSorted(), ['of-n1', 'of-n2']);
    assert.equal((await user.runOk(['sh', '-c', 'ls | grep of-'])).trim(), 'of-n1\nof-n2');
  });

  for (const [compiler, mpi] of [
    ['mpicc.mpich', 'pmi2'],
    ['mpicc.openmpi', 'pmix'],
  ] as const) {
    it(
      `starts programs of ${compiler} over both nodes by ${mpi}`,
      { skip: needs({ commands: [compiler] }) },
      async () => {
        const source = readFileSync(join(import.meta.dirname, '../support/ranks.c'));
        await user.runOk(['sh', '-c', `cat > ranks.c && ${compiler} -o ranks ranks.c`], { input: source });
        const said = await runMpiStep(user, [`--mpi=${mpi}`, '-N2', '-n4', './ranks'], slurm.env);
        assert.equal(said.match(/^rank [0-3] of 4 on n[12], sum 6, /gm)?.length, 4, said);
      },
    );
  }
});
