// SPDX-License-Identifier: Apache-2.0
// Jobs with images of a real image service: a name is looked up by it when the job is submitted, and what was found then is
// what runs, on prepared nodes and on shared ones.
import assert from 'node:assert/strict';
import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { startGateway } from '../gateway/gateway.ts';
import { makeSite, maker } from '../shifter/site.ts';
import { runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { mungeCommands } from '../support/munge.ts';
import { pushImage, registryCommands, startRegistry } from '../support/registry.ts';
import { type Slurm, startSlurm } from '../support/slurm.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { shifterJobsNeed, slurmPlugin } from './plugin.ts';
import { until } from './until.ts';

const skip = shifterJobsNeed(...registryCommands, ...mungeCommands);

const image = 'docker:tools/busybox:1';

describe('jobs with images of the image service', { skip }, () => {
  let user: TestUser;
  let slurm: Slurm;
  let env: Readonly<Record<string, string | undefined>>;
  /** Gives the name to the image that says this of itself. */
  let publish: (which: string) => Promise<void>;

  before(async () => {
    user = await acquireTestUser();
    const registry = await startRegistry();
    const layout = join(temporaryDirectory(), 'layout');
    cpSync(await realImage('busybox'), layout, { recursive: true });
    publish = async (which) => {
      await runOk(['umoci', 'config', '--image', `${layout}:latest`, '--tag', which, '--config.env', `WHICH=${which}`]);
      await pushImage({ layout, tag: which }, `${registry.address}/tools/busybox:1`);
    };
    const gateway = await startGateway({
      locations: { [registry.address]: { remotetype: 'dockerv2', authentication: 'http' } },
      config: { PullUpdateTimeout: 1 },
    });
    chmodSync(gateway.imageDirectory, 0o755);
    const site = makeSite([user]);
    site.configure(`system=${gateway.system}`, `imageGateway=${gateway.url}`, `imagePath=${gateway.imageDirectory}`);
    slurm = await startSlurm({
      plugstack: `required ${await slurmPlugin()} shifter_config=${site.configPath}\n`,
      cpusPerNode: 4,
    });
    env = { ...slurm.env, ...site.env, SLIPWAY_MUNGE_SOCKET: gateway.munge.socket };
  });

  it('are refused before the image is pulled, and keep it when its name moves on', async () => {
    const early = await user.run(['sbatch', `--image=${image}`, '--wrap=true'], { env });
    assert.notEqual(early.status, 0);
    assert.match(early.stderr, /look up docker:tools\/busybox:1/);
    assert.match(early.stderr, /hint: .*shifterimg pull/);

    const lookUp = async (): Promise<string> => (await user.runOk(['shifterimg', 'lookup', image], { env })).trim();
    await publish('first');
    await user.runOk(['shifterimg', 'pull', image], { env });
    const first = await lookUp();
    const script = `#!/bin/sh\nsrun -N2 -n2 shifter sh -c 'echo $WHICH $SHIFTER_IMAGE ${maker}'\n`;
    const output = join(user.home, 'out');
    const words = ['--parsable', '--hold', '-N2', '--exclusive', `--image=${image}`, `--output=${output}`];
    const id = (await user.runOk(['sbatch', ...words], { env, input: script })).trim();
    await publish('second');
    await until(async () => {
      await user.runOk(['shifterimg', 'pull', image], { env });
      return (await lookUp()) !== first;
    });
    await user.runOk(['scontrol', 'release', id], { env });
    await user.runOk(['srun', `--dependency=afterany:${id}`, '-n1', 'true'], { env });
    assert.equal(await user.runOk(['cat', output]), `first ${first} root\nfirst ${first} root\n`);
    const shared = [
      'srun',
      '-N2',
      '-n2',
      `--image=${image}`,
      'shifter',
      'sh',
      '-c',
      'echo $WHICH $SHIFTER_IMAGEREQUEST',
    ];
    assert.equal(await user.runOk(shared, { env }), `second ${image}\nsecond ${image}\n`);
  });
});
