// SPDX-License-Identifier: Apache-2.0
// What a container costs a job step: `srun -N2 -n64 shifter true` against `srun -N2 -n64 true`, on a Slurm of two nodes on
// this machine; where the prolog prepared the container, and where each user's ranks mount it. And MPI's latency between
// the nodes, of the host and in a container with the host's MPI. One run of node:test, whose helpers start the cluster.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parseArgs } from 'node:util';
import { makeSite } from '../test/shifter/site.ts';
import { slurmPlugin } from '../test/slurm/plugin.ts';
import { runOk } from '../test/support/command.ts';
import { startSlurm } from '../test/support/slurm.ts';
import { acquireTestUser } from '../test/support/user.ts';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '7' }, check: { type: 'boolean', default: false } },
});
const runs = Number(options.runs);
const budget = 1.3;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

await test('slurm', async () => {
  const user = await acquireTestUser();
  const site = makeSite([user]);
  await site.addImage('busybox', { real: 'busybox' }, ['ENV: PATH=/usr/bin:/bin']);
  await site.addImage('mpich', { real: 'bullseye-mpich' }, ['ENV: PATH=/usr/bin:/bin']);
  const module = join(site.directory, 'mpich');
  const lines = await runOk([join(user.prefix, 'bin/slipway'), 'inject', 'prepare-mpi', '--mpi=mpich', module]);
  site.configure(...lines.trim().split('\n'));
  const slurm = await startSlurm({ plugstack: `required ${await slurmPlugin()} shifter_config=${site.configPath}\n` });
  const env = { ...slurm.env, ...site.env };

  /** Each command's median time within one allocation, their turns mixed, in milliseconds. */
  const compare = async (
    words: readonly string[],
    commands: readonly (readonly string[])[],
  ): Promise<readonly number[]> => {
    const steps = commands.map(
      (command, index) =>
        `t=$(date +%s%N); ${command.join(' ')} >/dev/null; echo ${index} $(( ($(date +%s%N) - t) / 1000 ))`,
    );
    const script = [
      '#!/bin/sh',
      'set -e',
      ...commands.map((command) => `${command.join(' ')} >/dev/null`),
      `for i in $(seq ${runs}); do`,
      ...steps,
      'done',
      '',
    ];
    const output = join(user.home, 'times');
    await user.runOk(['sbatch', '--wait', `--output=${output}`, '-N2', '-n64', ...words], {
      env,
      input: script.join('\n'),
      timeoutMs: 600_000,
    });
    const measured = readFileSync(output, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number));
    return commands.map(
      (_, index) => median(measured.filter(([which]) => which === index).map(([, us = 0]) => us)) / 1000,
    );
  };
  const step = ['srun', '-N2', '-n64'];
  const bare = [...step, 'true'];
  const contained = [...step, 'shifter', 'true'];
  const [prepared, shared] = [
    await compare(['--exclusive', '--image=id:busybox'], [bare, contained]),
    await compare(['--image=id:busybox'], [bare, contained]),
  ].map(([native = 1, container = 0]) => ({ nativeMs: native, shifterMs: container, ratio: container / native }));

  await user.runOk(['sh', '-c', 'cat > ranks.c && mpicc.mpich -O2 -o ranks ranks.c'], {
    input: readFileSync(resolve(import.meta.dirname, '../test/support/ranks.c')),
  });
  const latency = async (bytes: number, program: readonly string[]): Promise<number> =>
    Number(await user.runOk(['srun', '-N2', '-n2', '--mpi=pmi2', ...program, 'pingpong', String(bytes)], { env }));
  const pingPong = [];
  for (const bytes of [8, 65_536]) {
    pingPong.push({
      bytes,
      nativeUs: await latency(bytes, ['./ranks']),
      containerUs: await latency(bytes, ['shifter', '--image=id:mpich', '--module=mpich', 'ranks']),
    });
  }
  process.stdout.write(`${JSON.stringify({ ranks: 64, runs, budget, prepared, shared, pingPong }, undefined, 2)}\n`);
  const isOver = [prepared, shared].some((result) => (result?.ratio ?? 0) > budget);
  if (options.check && isOver) throw new Error(`over the budget of ${budget}`);
});
