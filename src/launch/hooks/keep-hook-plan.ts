// SPDX-License-Identifier: Apache-2.0
// A hook's plan: handed to the launcher that waits for it and, where it is the same for every container, kept.
import type { Plan, Step, TraceEntry } from '../../model/index.ts';
import { encodePlan, planFileName } from '../../plan/index.ts';
import { writeAllToDescriptor, writeFileInPlace } from '../../sys/run-directory.ts';
import type { PlanKeeping } from '../keep-plan.ts';

export type HookPlan = {
  /** argv, the hook's name first. */
  readonly words: readonly string[];
  readonly trace: readonly TraceEntry[];
  /** After the container's root was taken, before the end. */
  readonly mounts: readonly Step[];
  /** What is run in the container's root directory when all is mounted. */
  readonly program: readonly string[] | undefined;
  /** Whether it holds for other containers as well. */
  readonly isLasting: boolean;
};

/** Hooks know two ends. */
const statuses: Plan['statuses'] = { own: 1, notFound: 1, notExecutable: 1 };

export function keepHookPlan(hook: HookPlan, { runDirectory, descriptor, build, nowNs }: PlanKeeping): void {
  const plan: Plan = {
    covers: { words: hook.words, isExact: true },
    subject: 'the container',
    style: 'slipway',
    statuses,
    trace: hook.trace,
    steps: [
      { step: 'root-bundle' },
      ...hook.mounts,
      { step: 'enter' },
      { step: 'environment', edit: { edit: 'clear', keep: [] }, origin: 'hooks have no environment but their own' },
      hook.program === undefined ? { step: 'end' } : { step: 'exec', argv: hook.program },
    ],
  };
  const bytes = encodePlan(plan, build, nowNs);
  if (hook.isLasting && runDirectory !== '') {
    try {
      writeFileInPlace(`${runDirectory}/${planFileName(plan.covers)}`, bytes, 0o600);
    } catch {
      // It will be made again for the next container.
    }
  }
  writeAllToDescriptor(descriptor, bytes);
}
