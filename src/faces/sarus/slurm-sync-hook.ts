// SPDX-License-Identifier: Apache-2.0
// `slurm_global_sync_hook`: lets no rank of a job step go on before all have come as far, by files in a directory that all
// nodes share. Each rank leaves one when it arrives and one when it departs; the first takes the directory away.
import { posix } from 'node:path';
import { containerVariable, type HookBundle, readHookBundle } from '../../launch/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { becomeUser } from '../../sys/drop-privilege.ts';
import { ensureDirectory, listDirectoryIfPresent, removeTree, writeFileAtomic } from '../../sys/files.ts';
import { createInputs, type Inputs } from '../../sys/inputs.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { supervise } from '../terminal/supervise.ts';

/** Between looks at a directory that other nodes write to: there is nothing that would wake this process. */
const stepMs = 100;

/** Never rejects. */
export async function main(_: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await supervise('slurm_global_sync_hook', environment, async (signal) => {
    const inputs = createInputs({ environment: environment.variables, cwd: '/' });
    const bundle = readHookBundle(inputs);
    const step = jobStepOf(bundle);
    if (step === undefined) return 0;
    const base = baseDirectory(bundle, inputs);
    becomeUser(bundle.uid, bundle.gid);
    const directory = posix.join(base, '.oci-hooks/slurm-global-sync', step.name);
    const mark = async (event: 'arrival' | 'departure'): Promise<void> => {
      await ensureDirectory(posix.join(directory, event), { mode: 0o700 });
      await writeFileAtomic(posix.join(directory, event, `slurm-procid-${step.rank}`), '', { mode: 0o600 });
    };
    const all = async (event: 'arrival' | 'departure'): Promise<void> => {
      const isMark = (name: string): boolean => /^slurm-procid-\d+$/.test(name);
      for (;;) {
        const names = (await listDirectoryIfPresent(posix.join(directory, event))) ?? [];
        if (names.filter(isMark).length >= step.ranks) return;
        await environment.clock.sleep(stepMs, signal);
      }
    };
    await mark('arrival');
    await all('arrival');
    await mark('departure');
    if (step.rank === 0) {
      await all('departure');
      await removeTree(directory);
    }
    return 0;
  });
}

type JobStep = { readonly name: string; readonly rank: number; readonly ranks: number };

/** Undefined where this is no rank of a job step. */
function jobStepOf(bundle: HookBundle): JobStep | undefined {
  const names = ['SLURM_JOB_ID', 'SLURM_STEPID', 'SLURM_PROCID', 'SLURM_NTASKS'] as const;
  const values = names.map((name) => containerVariable(bundle, name));
  if (values.some((value) => value === undefined)) return undefined;
  // They make a path, and come from the container.
  const wrong = names.find((_, index) => !/^\d{1,10}$/.test(values[index] ?? ''));
  if (wrong !== undefined) throw setting(`${wrong} of the container is no number`);
  const [job, step, rank, ranks] = values;
  return { name: `jobid-${job ?? ''}-stepid-${step ?? ''}`, rank: Number(rank), ranks: Number(ranks) };
}

/** The user's own directory below HOOK_BASE_DIR, by his name in PASSWD_FILE. */
function baseDirectory(bundle: HookBundle, inputs: Inputs): string {
  const base = inputs.environment('HOOK_BASE_DIR') ?? '';
  if (!base.startsWith('/')) throw setting('HOOK_BASE_DIR names no directory');
  const file = inputs.environment('PASSWD_FILE') ?? '/etc/passwd';
  const line = (inputs.readText(file) ?? '').split('\n').find((each) => each.split(':')[2] === String(bundle.uid));
  const name = line?.split(':')[0];
  if (name === undefined || name === '') throw setting(`${file} has no user with the id ${bundle.uid}`);
  return posix.join(base, name);
}

function setting(reason: string): SlipwayError {
  return new SlipwayError('hook-setting', { hook: 'slurm_global_sync_hook', reason });
}
