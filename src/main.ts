// SPDX-License-Identifier: Apache-2.0
// Where the launcher enters for all that ends in no program of a container.
import { readEntry } from './entry.ts';
import type { FaceEnvironment } from './faces/terminal/environment.ts';
import { processEnvironment } from './faces/terminal/process-environment.ts';
import type { Planner } from './faces/terminal/planner.ts';

/** Runs a command with the words after its name, and gives the exit status. Never rejects. */
type Main = (argv: readonly string[], environment: FaceEnvironment) => Promise<number>;

/** By the name of the command: the names in bin/, which scripts/commands.txt lists, and what Slipway's own parts ask by. */
const mains: Readonly<Record<string, () => Promise<Main>>> = {
  'timestamp_hook': async () => (await import('./faces/sarus/timestamp-hook.ts')).main,
  'slurm_global_sync_hook': async () => (await import('./faces/sarus/slurm-sync-hook.ts')).main,
  'sarus': async () => (await import('./faces/sarus/main.ts')).main,
  'shifter-job': async () => (await import('./faces/shifter/job/main.ts')).main,
  'unsetupRoot': async () => (await import('./faces/shifter/prepare/unsetup-root.ts')).main,
  'shifterimg': async () => (await import('./faces/shifter/shifterimg/main.ts')).main,
  'conda-containerize': async () => (await import('./faces/tykky/main.ts')).mainOf('conda-containerize'),
  'pip-containerize': async () => (await import('./faces/tykky/main.ts')).mainOf('pip-containerize'),
  'wrap-container': async () => (await import('./faces/tykky/main.ts')).mainOf('wrap-container'),
  'wrap-install': async () => (await import('./faces/tykky/main.ts')).mainOf('wrap-install'),
  'ch-convert': async () => (await import('./faces/charliecloud/ch-convert/main.ts')).main,
  'ch-checkns': async () => (await import('./faces/charliecloud/ch-test/main.ts')).checkNamespaces,
  'ch-test': async () => (await import('./faces/charliecloud/ch-test/main.ts')).test,
  'ch-fromhost': async () => (await import('./faces/charliecloud/ch-fromhost/main.ts')).main,
  'ch-image': async () => (await import('./faces/charliecloud/ch-image/main.ts')).main,
  ...Object.fromEntries(
    ['ch-build', 'ch-build2dir', 'ch-dir2squash', 'ch-docker2tar', 'ch-pull2dir', 'ch-pull2tar', 'ch-tar2dir'].map(
      (name) => [name, async () => (await import('./faces/charliecloud/wrappers/main.ts')).mainOf(name)],
    ),
  ),
  'slipway': async () => (await import('./faces/slipway/main.ts')).main,
};

/** For who explains a plan instead of running it. */
async function plannerOf(name: string): Promise<Planner | undefined> {
  const { planners } = await import('./planners.ts');
  return Object.hasOwn(planners, name) ? await planners[name]?.() : undefined;
}

const entry = readEntry(process.argv.slice(2));
const [face = '', ...words] = entry.words;
const load = mains[face];
if (load === undefined) {
  process.stderr.write(
    `${face}: no command of this name\n  hint: Slipway's commands are ${Object.keys(mains).join(', ')}\n`,
  );
  process.exitCode = 127;
} else {
  const main = await load();
  process.exitCode = await main(words, { ...processEnvironment(entry.launcher), plannerOf });
}
