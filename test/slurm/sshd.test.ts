// SPDX-License-Identifier: Apache-2.0
// An sshd in the container of a job, on both of its nodes: tasks go from node to node and stay in the container; nobody else
// gets in, and nothing of it outlives the job.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runOk } from '../support/command.ts';
import { type Slurm, startSlurm } from '../support/slurm.ts';
import { sshdCommands } from '../support/sshd.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type TestSite } from '../shifter/site.ts';
import { holdStep } from './hold-step.ts';
import { shifterJobsNeed, slurmPlugin } from './plugin.ts';
import { until } from './until.ts';

const skip = shifterJobsNeed(...sshdCommands, 'patchelf', 'pgrep');

describe("sshd in a job's container", { skip }, () => {
  let slurm: Slurm;
  let user: TestUser;
  let other: TestUser;
  let site: TestSite;

  const env = (): Readonly<Record<string, string | undefined>> => ({ ...slurm.env, ...site.env });
  /** Runs a script by sh in the container of a job that has both nodes, on the first, and gives all that it says. */
  const inJob = async (script: string, ...words: readonly string[]): Promise<string> => {
    const options = ['-N2', '-n2', '--exclusive', '--image=id:img', ...words];
    // The other node's task goes with this one: a job is on its nodes as long as any of its tasks.
    const whole = `[ $SLURM_PROCID = 0 ] || exit 0; exec 2>&1\n${script}`;
    const result = await user.run(['srun', ...options, 'shifter', 'sh', '-c', whole], { env: env() });
    assert.equal(result.status, 0, `${result.stdout}${result.stderr}${slurm.nodes.map((node) => node.log()).join('')}`);
    return result.stdout;
  };
  const onNodes = async (script: string): Promise<readonly string[]> =>
    await Promise.all(slurm.nodes.map(async (node) => (await node.run(['sh', '-c', script])).stdout.trim()));

  before(async () => {
    user = await acquireTestUser();
    other = await acquireTestUser();
    site = makeSite([user, other]);
    // Of another C library's age than the host's sshd, and without any ssh.
    await site.addImage('img', { real: 'busybox' }, [
      'ENV: PATH=/usr/bin:/bin:/opt/own',
      'ENV: OF_IMAGE=a "b" \\c $d #e',
    ]);
    const udiImage = join(site.directory, 'udi');
    await runOk([join(user.prefix, 'bin/slipway'), 'inject', 'prepare-sshd', udiImage]);
    site.write('etc/group', `tty:x:5:\n${user.name}:x:${user.gid}:\n`);
    site.configure(
      `optUdiImage=${udiImage}`,
      `siteFs=${join(user.home, '..')}`,
      'siteEnv=OF_SITE=yes',
      `module_late_siteEnvPrepend=PATH=/late`,
    );
    slurm = await startSlurm({
      plugstack: `required ${await slurmPlugin()} shifter_config=${site.configPath} enable_sshd=1\n`,
      cpusPerNode: 4,
    });
  });

  it('leads from task to task by name, in the same container, with its variables and volumes', async () => {
    const said = await inJob(
      `for node in $(sort -u /var/hostsfile); do
         ssh $node 'echo "$(hostname) $(id -u) $OF_IMAGE $OF_SITE $SHIFTER_IMAGE $PATH"; cat /var/shifterConfig.json; ls -d /mine'
       done`,
      `--volume=${user.home}:/mine`,
      '--module=late',
    );
    const [first, second] = ['n1', 'n2'].map(
      (node) =>
        `${node} ${user.uid} a "b" \\c $d #e yes img /late:/usr/bin:/bin:/opt/own\n` +
        `{"identifier":"img","user":"${user.name}","volMap":"${user.home}:/mine","modules":"late,"}\n/mine\n`,
    );
    assert.equal(said, `${first}${second}`);
  });

  it('gives terminals, copies files, and shows programs no secret', async () => {
    const said = await inJob(
      `ssh -qtt n2 'test -t 0 && echo terminal' </dev/null | tr -d '\\r'
       echo copied > /tmp/of-${user.name}-1 && scp -q /tmp/of-${user.name}-1 n2:/tmp/of-${user.name}-2 && ssh n2 cat /tmp/of-${user.name}-2
       rm /tmp/of-${user.name}-*
       env | grep -c SECRET; true`,
    );
    assert.equal(said, 'terminal\ncopied\n0\n');
    const script = '#!/bin/sh\nenv | grep -c SSH_SECRET\nsrun -n1 env | grep -c SSH_SECRET\ntrue\n';
    const output = join(user.home, 'batch.out');
    const words = ['--wait', '--exclusive', '--image=id:img', `--output=${output}`];
    await user.runOk(['sbatch', ...words], { env: env(), input: script });
    assert.equal(await user.runOk(['cat', output]), '0\n0\n');
  });

  it('lets nobody in without the key of the job, which is the user’s alone to read', async () => {
    const step = { words: ['-N2', '--exclusive', '--image=id:img'], tasks: 2, env: env() };
    await holdStep(user, step, async () => {
      const [first] = await onNodes(
        `stat -c '%a %U %n' /run/slipway-shifter/ssh/*key* /run/slipway-shifter/ssh
         for pid in $(pgrep -u ${user.name} -f '/opt/udiImage/sbin/sshd'); do grep -h -e ^Uid -e ^CapEff -e ^NoNewPrivs /proc/$pid/status; done`,
      );
      assert.match(first ?? '', new RegExp(`^400 ${user.name} .*ssh_host_ed25519_key$`, 'm'));
      assert.match(first ?? '', new RegExp(`^400 ${user.name} .*ssh_job_key$`, 'm'));
      assert.match(first ?? '', new RegExp(`^Uid:\\s+${user.uid}\\s+${user.uid}\\s+${user.uid}`, 'm'));
      assert.match(first ?? '', /^CapEff:\s+0{16}$/m);
      assert.match(first ?? '', /^755 root \/run\/slipway-shifter\/ssh$/m);
      // The user himself with a key of his own, another user, root.
      for (const who of [user, other]) {
        const key = join(who.home, 'key');
        await who.runOk(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
        const address = `${user.name}@${slurm.nodes[0]?.address}`;
        const options = [
          '-F',
          'none',
          '-p',
          '1204',
          '-i',
          key,
          '-o',
          'BatchMode=yes',
          '-o',
          'StrictHostKeyChecking=no',
        ];
        const refused = await who.run(['ssh', ...options, '-o', `UserKnownHostsFile=${who.home}/known`, address, 'id']);
        assert.equal(refused.status, 255, refused.stdout);
        assert.match(refused.stderr, /Permission denied \(publickey\)/);
      }
      const stolen = await other.run(['cat', '/run/slipway-shifter/ssh/ssh_job_key']);
      assert.notEqual(stolen.status, 0);
    });
  });

  it('leaves nothing of itself or of those who logged in', async () => {
    await inJob("ssh n2 'setsid sleep 1234 >/dev/null 2>&1 </dev/null & sleep 0; echo begun'");
    const script = `pgrep -u ${user.name} -f 'udiImage|sleep 1234' | wc -l; grep -c ' ${site.udiMount}' /proc/self/mountinfo; ls -d /run/slipway-shifter /run/slipway/job-* 2>/dev/null | wc -l`;
    const clean = async (): Promise<boolean> => (await onNodes(script)).every((text) => text === '0\n0\n0');
    await until(clean);
  });
});
