// SPDX-License-Identifier: Apache-2.0
// The cluster that the other tests here run on is one: two nodes, apart where nodes are apart.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { needs } from '../support/needs.ts';
import { type Slurm, slurmCommands, startSlurm } from '../support/slurm.ts';
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
});
