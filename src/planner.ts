// SPDX-License-Identifier: Apache-2.0
// Where the launcher enters when it has no plan that holds. As little as possible is loaded: ranks wait for this.
import { readEntry } from './entry.ts';
import { planSlipwayRun } from './faces/slipway/run.ts';
import type { Planner } from './faces/terminal/planner.ts';
import { currentDirectory } from './sys/current-directory.ts';

/** By the name of the command; `planned` in native/launcher/main.c and `commands` in native/root/main.c have the same names. */
const planners: Readonly<Record<string, () => Planner | Promise<Planner>>> = {
  'sarus': async () => (await import('./faces/sarus/plan-run.ts')).planSarusRun,
  'slipway': () => planSlipwayRun,
  ...Object.fromEntries(
    ['mpi_hook', 'glibc_hook', 'amdgpu_hook'].map((name) => [
      name,
      async () => (await import('./faces/sarus/library-hook.ts')).planLibraryHook,
    ]),
  ),
  'mount_hook': async () => (await import('./faces/sarus/mount-hook.ts')).planMountHook,
  'ch-run': async () => (await import('./faces/charliecloud/ch-run/plan-ch-run.ts')).planChRun,
  'shifter': async () => (await import('./faces/shifter/plan-shifter.ts')).planShifter,
  'setupRoot': async () => (await import('./faces/shifter/prepare/plan-setup-root.ts')).planSetupRoot,
};

async function plan(): Promise<number> {
  const entry = readEntry(process.argv.slice(2));
  const face = entry.words[0] ?? '';
  const planner = planners[face];
  if (entry.planDescriptor === undefined || planner === undefined) throw new Error(`nothing to plan for "${face}"`);
  try {
    return await (
      await planner()
    )(entry.words, {
      environment: process.env,
      cwd: currentDirectory(),
      runDirectory: entry.runDirectory,
      launcher: entry.launcher,
      planDescriptor: entry.planDescriptor,
      writeStdout: (text) => process.stdout.write(text),
      writeStderr: (text) => process.stderr.write(text),
      columns: () => process.stdout.columns || 80,
      signal: new AbortController().signal,
    });
  } catch (error) {
    const { errorText, exitStatusOf } = await import('./faces/terminal/error-text.ts');
    process.stderr.write(errorText(face, error, (process.env['SLIPWAY_DEBUG'] ?? '') !== ''));
    return exitStatusOf(error);
  }
}

/** CommonJS knows no await outside a function. */
async function main(): Promise<void> {
  process.exitCode = await plan();
}

void main();
