// SPDX-License-Identifier: Apache-2.0
// A user who lies to the prolog, where root acts for his job: by the job's name, by variables, and by a plugin of his own in
// the place of Slipway's. He gets no image, directory, volume or identity that is not his.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { makeSite, type TestSite } from '../shifter/site.ts';
import { type Slurm, startSlurm } from '../support/slurm.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { shifterJobsNeed, slurmPlugin } from './plugin.ts';

/** In srun, as the user: FORGE_NAME=VALUE comes to the prolog as SPANK_NAME, as what Slipway's plugin says does. */
const forger = `
#include <slurm/spank.h>
#include <string.h>
SPANK_PLUGIN(forger, 1);
extern char **environ;
int slurm_spank_init_post_opt(spank_t sp, int ac, char **av) {
  for (char **each = environ; spank_context() == S_CTX_LOCAL && *each; each++) {
    char *value = strchr(*each, '='), name[100] = "";
    if (strncmp(*each, "FORGE_", 6) == 0 && value && value - *each < 100)
      spank_job_control_setenv(sp, strncat(name, *each + 6, value - *each - 6), value + 1, 1);
  }
  return 0;
}
`;

describe('a job that lies', { skip: shifterJobsNeed('gcc') }, () => {
  let slurm: Slurm;
  let user: TestUser;
  let other: TestUser;
  let site: TestSite;
  let forgedConf: string;

  const env = (): Readonly<Record<string, string | undefined>> => ({ ...slurm.env, ...site.env });
  /** For a shell on the node: what the prolog noted of the job, and what it prepared. */
  const look = (): string =>
    `cat /run/slipway/job-$SLURM_JOB_ID.json ${site.udiMount}/var/shifterConfig.json 2>/dev/null; true`;
  const node = ['-w', 'n1', '-n1'];

  before(async () => {
    user = await acquireTestUser();
    other = await acquireTestUser();
    site = makeSite([user, other]);
    await site.addImage('img', { real: 'busybox' }, ['ENV: PATH=/usr/bin:/bin']);
    await site.addImage('closed', { real: 'busybox' }, [`USERACL: ${other.uid}`]);
    site.write('closed-directory/in/file', 'secret\n');
    chmodSync(join(site.directory, 'closed-directory'), 0o700);
    site.configure('allowLocalChroot=1', `siteFs=${site.directory}/share:/share`);
    slurm = await startSlurm({
      plugstack: `required ${await slurmPlugin()} shifter_config=${site.configPath} enable_ccm=1\n`,
      cpusPerNode: 4,
    });
    const plugin = join(user.home, 'forger.so');
    await user.runOk(['gcc', '-shared', '-fPIC', '-x', 'c', '-', '-o', plugin], { input: forger });
    const stack = join(user.home, 'plugstack.conf');
    forgedConf = join(user.home, 'slurm.conf');
    await user.runOk(['sh', '-c', `echo "required ${plugin}" > ${stack} && cat > ${forgedConf}`], {
      input: readFileSync(slurm.env.SLURM_CONF, 'utf8').replace(/^PlugStackConfig=.*$/m, `PlugStackConfig=${stack}`),
    });
  });

  it('of its user and its sharing, by its name: the container is for whom Slurm knows', async () => {
    const name = `x UserId=${other.name}(${other.uid}) GroupId=${other.name}(${other.gid}) OverSubscribe=NO NumNodes=1`;
    const words = [...node, `--job-name=${name}`, '--image=id:img', 'sh', '-c', look()];
    const alone = await user.runOk(['srun', '--exclusive', ...words], { env: env() });
    assert.match(alone, new RegExp(`"state":"prepared"\\}\\n\\{"identifier":"img","user":"${user.name}"`));
    assert.equal(await user.runOk(['srun', ...words], { env: env() }), '');
  });

  it('by its variables: each shifter asks what is allowed', async () => {
    const cases: readonly (readonly [variables: string, refusal: RegExp])[] = [
      ['SHIFTER_IMAGETYPE=id SHIFTER_IMAGE=closed', /has neither you nor a group of yours/],
      [
        '-u SHIFTER_IMAGE -u SHIFTER_IMAGETYPE SLURM_SPANK_SHIFTER_IMAGETYPE=id SLURM_SPANK_SHIFTER_IMAGE=closed',
        /has neither you nor a group of yours/,
      ],
      ['SHIFTER_IMAGE=../../../etc/shadow', /an identity has letters/],
      ['SHIFTER_VOLUME=/share:/etc', /nothing of yours can be mounted in/],
      ['SHIFTER_IMAGETYPE=local SHIFTER_IMAGE=/', /something is mounted below it/],
      [`SLIPWAY_UDIROOT_CONF=${user.home}/udiRoot.conf`, /belongs to uid/],
    ];
    await user.runOk(['cp', site.configPath, 'udiRoot.conf']);
    const script = cases.map(([variables], index) => `env ${variables} shifter true 2>${index} && echo ran ${index}`);
    const words = ['srun', ...node, '--exclusive', '--image=id:img', 'sh', '-c', [...script, 'true'].join('\n')];
    assert.equal(await user.runOk(words, { env: env() }), '');
    for (const [index, [variables, refusal]] of cases.entries())
      assert.match(await user.runOk(['cat', String(index)]), refusal, variables);
  });

  it('of --ccm, by a variable: no step runs in an image', async () => {
    const words = ['srun', ...node, '--exclusive', '--image=id:img', 'id'];
    const refused = await user.run(words, { env: { ...env(), SHIFTER_CCM: '1' } });
    assert.deepEqual([refused.status === 0, refused.stdout], [false, '']);
    assert.match(refused.stderr, /enter the container of job \d+: --ccm is for local:\/ alone/);
  });

  it('by a plugin of its own: root prepares what the user may have, or nothing', async () => {
    const say = async (forged: Readonly<Record<string, string>>): Promise<string> => {
      const given = { SHIFTER_IMAGETYPE: 'id', SHIFTER_IMAGE: 'img', ...forged };
      const variables = Object.fromEntries(Object.entries(given).map(([name, value]) => [`FORGE_${name}`, value]));
      const words = ['srun', '--exclusive', ...node, 'sh', '-c', look()];
      return await user.runOk(words, { env: { ...env(), SLURM_CONF: forgedConf, ...variables } });
    };
    assert.match(await say({}), new RegExp(`"prepared"\\}\\n\\{"identifier":"img","user":"${user.name}"`));
    for (const [forged, reason] of [
      [{ SHIFTER_IMAGE: 'closed' }, 'has neither you nor a group of yours'],
      [{ SHIFTER_IMAGE: '../closed' }, 'an identity has letters'],
      [{ SHIFTER_IMAGE: `--config=${user.home}/udiRoot.conf` }, 'a name has letters'],
      [
        { SHIFTER_IMAGETYPE: 'local', SHIFTER_IMAGE: join(site.directory, 'closed-directory/in') },
        'is not open to everyone',
      ],
      [{ SHIFTER_IMAGETYPE: '-U0', SHIFTER_IMAGE: 'img' }, 'neither id nor local'],
      [{ SHIFTER_VOLUME: '/share:/etc/profile.d' }, 'nothing of yours can be mounted in'],
      [{ SHIFTER_VOLUME: '-U0;/share:/data' }, 'invalid volume map'],
      [{ SHIFTER_MODULE: 'none --uid=0' }, 'the site has none of this name'],
    ] as const) {
      const said = await say(forged);
      assert.match(said, /"state":"failed"/, JSON.stringify(forged));
      assert.ok(said.includes(reason), said);
      assert.ok(!said.includes('"identifier"'), said);
    }
  });
});
