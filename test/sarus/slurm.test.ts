// SPDX-License-Identifier: Apache-2.0
// Slurm from inside a container, by the hook file that `slipway inject slurm` writes for this machine: Debian 11 in the
// container, Debian 12's Slurm around it, on two nodes.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { before, describe, it } from 'node:test';
import { talkWith } from '../run/talk.ts';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { type Slurm, slurmCommands, startSlurm } from '../support/slurm.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type Site } from './site.ts';

const skip = needs({
  commands: [...slurmCommands, 'script', 'mmdebstrap', 'umoci', 'squashfuse_ll'],
  root: true,
  fuse: true,
});

describe('Slurm inside a container of sarus', { skip }, () => {
  let slurm: Slurm;
  let user: TestUser;
  let site: Site;
  const asUser = (): Readonly<Record<string, string | undefined>> => ({ ...slurm.env, ...site.env });

  before(async () => {
    user = await acquireTestUser();
    site = makeSite(user);
    slurm = await startSlurm({ cpusPerNode: 8 });
    const inject = async (...words: readonly string[]): Promise<string> =>
      await runOk([`${user.prefix}/bin/slipway`, 'inject', ...words], {
        env: { PATH: user.env['PATH'] ?? '', HOME: '/root', SLURM_CONF: slurm.env.SLURM_CONF },
      });
    site.writeHook('50-slurm', await inject('slurm'));
    // The host's commands want a newer C library than Debian 11 has: whoever asks for them gets it.
    site.writeHook('60-glibc', await inject('glibc', '--annotation=com.hooks.slurm.activate'));
    await site.load('bullseye-mpich', 'debian:11');
  });

  const inContainer = ['sarus', 'run', '--annotation=com.hooks.slurm.activate=true', '-t', 'debian:11', 'bash', '-c'];

  it('has the host’s srun, squeue and sinfo', async () => {
    const script = [
      '. /etc/os-release; echo $VERSION_CODENAME',
      'srun --version',
      'squeue --noheader --format=%u',
      'sinfo --noheader --format=%D',
    ].join('\n');
    const said = await user.runOk(['srun', '-N1', '-n1', '--oversubscribe', ...inContainer, script], { env: asUser() });
    const [codename, version, ...rest] = said.trim().split('\n');
    assert.equal(codename, 'bullseye');
    assert.match(version ?? '', /^slurm(?:-wlm)? \d+\.\d+/);
    assert.deepEqual(
      rest.map((line) => line.trim()),
      [user.name, '2'],
    );
  });

  it('is worked with on a terminal, as Sarus’s documentation shows', async () => {
    const words = `srun --pty -N1 -n1 --oversubscribe ${inContainer.slice(0, -1).join(' ')}`;
    const env = Object.fromEntries(
      Object.entries(asUser()).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    );
    const talk = talkWith(user, ['script', '-qec', words, '/dev/null'], { env });
    /** Types a line, and gives what is said until the next can be typed. */
    const type = async (text: string): Promise<string> => {
      talk.tell(`${text}; echo E''ND`);
      const said: string[] = [];
      for (let line = await talk.line(); line !== undefined; line = await talk.line()) {
        if (/(?:^|\s)END\r?$/.test(line)) return said.join('\n');
        said.push(line.replace('\r', ''));
      }
      return assert.fail(`it ended: ${said.join('\n')}`);
    };
    try {
      await type('PS1=; stty -echo');
      assert.match(await type('tty'), /\/dev\/pts\/\d+/);
      assert.match(await type('cat /etc/os-release'), /VERSION_CODENAME=bullseye/);
      assert.match(await type('srun --version'), /slurm(?:-wlm)? \d+\.\d+/);
      assert.match(await type('squeue -u $USER'), /\bsarus\s+slipway-\S*\s+R\s.* n[12]$/m);
      const names = await type('salloc -Q -N2 -n4 srun -n4 hostname');
      assert.deepEqual(new Set(names.match(/^n[12]$/gm)), new Set(['n1', 'n2']), names);
      talk.tell('exit 5');
    } finally {
      talk.release();
    }
    assert.equal((await talk.end).status, 5);
  });

  it('starts ranks on all nodes of an allocation from inside, and submits jobs', async () => {
    const output = `${user.home}/job.out`;
    const script = `salloc -Q -N2 -n4 srun -n4 hostname; sbatch -W -N1 -o ${output} --wrap 'hostname' >/dev/null; cat ${output}`;
    const result = await user.run(
      [
        'sarus',
        'run',
        '--annotation=com.hooks.slurm.activate=true',
        `--mount=type=bind,src=${dirname(user.home)},dst=${dirname(user.home)}`,
        'debian:11',
        'bash',
        '-c',
        script,
      ],
      { env: asUser() },
    );
    const names = result.stdout.trim().split('\n');
    assert.equal(names.length, 5, `${result.stdout}${result.stderr}`);
    assert.deepEqual(new Set(names.slice(0, 4)), new Set(['n1', 'n2']));
    assert.match(names[4] ?? '', /^n[12]$/);
  });

  it('is not there for a container that does not ask for it', async () => {
    const { status, stdout } = await user.run(
      ['sarus', 'run', 'debian:11', 'bash', '-c', 'command -v srun || echo none'],
      {
        env: asUser(),
      },
    );
    assert.deepEqual([status, stdout], [0, 'none\n']);
  });
});
