// SPDX-License-Identifier: Apache-2.0
import { planSlipwayRun } from './faces/slipway/run.ts';
import type { Planner } from './faces/terminal/planner.ts';

/** By the name of the command; `planned` in native/launcher/main.c and `commands` in native/root/main.c have the same names. */
export const planners: Readonly<Record<string, () => Planner | Promise<Planner>>> = {
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
