// SPDX-License-Identifier: Apache-2.0
// What only sites of another kind turn on: --ccm, where all of a job runs in a container of the node's own system; what the
// prolog starts counted as the job's memory, and as part of its extern step.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { run, runOk } from '../support/command.ts';
import { onEnd } from '../support/on-end.ts';
import { type Slurm, startSlurm } from '../support/slurm.ts';
import { sshdCommands } from '../support/sshd.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type TestSite } from '../shifter/site.ts';
import { holdStep } from './hold-step.ts';
import { shifterJobsNeed, slurmPlugin } from './plugin.ts';
import { until } from './until.ts';

const memory = '/sys/fs/cgroup/memory';
const skip = shifterJobsNeed(
  ...sshdCommands,
  'patchelf',
  'pgrep',
  // Control groups of version 1, as of Slurm's own plugin here.
  `${memory}/cgroup.procs`,
  '/sys/fs/cgroup/freezer/cgroup.procs',
);

describe('--ccm, memory and the extern step', { skip }, () => {
  let slurm: Slurm;
  let user: TestUser;
  let site: TestSite;
  const group = `${memory}/slipway-test-${process.pid}`;

  const env = (): Readonly<Record<string, string | undefined>> => ({ ...slurm.env, ...site.env });
  const onFirst = async (script: string): Promise<string> =>
    (await slurm.nodes[0]?.run(['sh', '-c', script]))?.stdout.trim() ?? '';

  before(async () => {
    user = await acquireTestUser();
    site = makeSite([user]);
    await site.addImage('img', { real: 'busybox' }, ['ENV: PATH=/usr/bin:/bin']);
    const udiImage = join(site.directory, 'udi');
    await runOk([join(user.prefix, 'bin/slipway'), 'inject', 'prepare-sshd', udiImage]);
    site.configure(`optUdiImage=${udiImage}`, 'allowLocalChroot=1');
    const extern = site.write('extern.sh', `#!/bin/sh\nenv > /run/extern-$SLURM_JOB_ID\n`, 0o755);
    const words = [
      'enable_sshd=1',
      'enable_ccm=1',
      `memory_cgroup=${group}`,
      'extern_cgroup=1',
      `extern_setup=${extern}`,
    ];
    slurm = await startSlurm({
      plugstack: `required ${await slurmPlugin()} shifter_config=${site.configPath} ${words.join(' ')}\n`,
      cpusPerNode: 4,
      conf: ['PrologFlags=Alloc,Contain', 'ProctrackType=proctrack/cgroup'],
    });
    onEnd(async () => {
      await run(['rmdir', `${group}/shifter/uid_${user.uid}`, `${group}/shifter`, group]);
      // Slurm leaves those of its nodes; their last processes go with the nodes.
      const left =
        'find /sys/fs/cgroup/*/slurm_n[12] -depth -type d -exec rmdir {} + ; ls -d /sys/fs/cgroup/*/slurm_n[12]';
      await until(async () => (await run(['sh', '-c', `{ ${left}; } 2>/dev/null`])).stdout === '');
    });
  });

  it('runs every program of the job in a container of the node itself, and leads to the other node’s', async () => {
    const script =
      '[ $SLURM_PROCID = 0 ] || exit 0; id -u; cat /var/shifterConfig.json; ssh n2 "hostname; cat /var/shifterConfig.json"';
    const said = await user.runOk(['srun', '-N2', '-n2', '--exclusive', '--ccm', 'sh', '-c', script], { env: env() });
    const config = `{"identifier":"/","user":"${user.name}","volMap":"","modules":""}\n`;
    assert.equal(said, `${user.uid}\n${config}n2\n${config}`);
  });

  it('runs nothing outside of the container, where there is none', async () => {
    const shared = await user.run(['srun', '-n1', '--ccm', 'hostname'], { env: env() });
    assert.deepEqual([shared.status === 0, shared.stdout], [false, '']);
    assert.match(shared.stderr, /--ccm needs nodes of its own \(--exclusive\)/);
  });

  it('is refused with an image, at submission', async () => {
    const refused = await user.run(['srun', '-n1', '--exclusive', '--ccm', '--image=id:img', 'true'], { env: env() });
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, /--ccm.*no --image goes with it/);
  });

  it('counts the sshd as the job’s memory and extern step, runs the site’s program, and takes the group away', async () => {
    let own = '';
    const step = { words: ['-N1', '-w', 'n1', '--exclusive', '--image=id:img'], tasks: 1, env: env() };
    await holdStep(user, step, async (id) => {
      own = `${group}/shifter/uid_${user.uid}/job_${id}`;
      const server = `pgrep -o -u ${user.name} -f '^sshd: /opt/udiImage/sbin/sshd'`;
      await until(async () => (await onFirst(`grep -c step_extern /proc/$(${server})/cgroup`)) !== '0');
      assert.equal(await onFirst(`grep -qx $(${server}) ${own}/cgroup.procs && echo in`), 'in');
      assert.match(await onFirst(`cat /run/extern-${id}`), new RegExp(`^SLURM_JOB_UID=${user.uid}$`, 'm'));
    });
    await until(async () => (await onFirst(`ls -d ${own} 2>/dev/null; pgrep -u ${user.name}`)) === '');
  });
});
