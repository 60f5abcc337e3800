// SPDX-License-Identifier: Apache-2.0
// A step that stays as long as a test looks at it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestUser, UserCommandOptions } from '../support/user.ts';
import { until } from './until.ts';

let count = 0;

/**
 * Runs a step of so many tasks in containers, and `use` with its job's number while all of them are there; then lets them end.
 * `words` stand behind srun, `shifter` excepted.
 */
export async function holdStep(
  user: TestUser,
  step: { readonly words: readonly string[]; readonly tasks: number; readonly env: UserCommandOptions['env'] },
  use: (job: string) => Promise<void>,
): Promise<void> {
  const { words, tasks, env = {} } = step;
  const signs = user.makeDirectory(`held-${(count += 1)}`);
  const script = `echo $SLURM_JOB_ID > ${signs}/new-$SLURM_PROCID; mv ${signs}/new-$SLURM_PROCID ${signs}/$SLURM_PROCID; until [ -e ${signs}/go ]; do sleep 0.1; done`;
  const program = ['shifter', 'sh', '-c', script];
  let isOver = false;
  const ended = user.run(['srun', `-n${tasks}`, ...words, ...program], { env }).finally(() => {
    isOver = true;
  });
  const ranks = Array.from({ length: tasks }, (_, rank) => join(signs, String(rank)));
  try {
    await until(async () => isOver || ranks.every((path) => existsSync(path)));
    if (isOver) throw new Error(`the step ended at once: ${(await ended).stderr}`);
    await use(readFileSync(join(signs, '0'), 'utf8').trim());
  } finally {
    writeFileSync(join(signs, 'go'), '');
    await ended;
  }
}
