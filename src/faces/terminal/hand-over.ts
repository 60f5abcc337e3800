// SPDX-License-Identifier: Apache-2.0
import { keepPlan, type ReadyPlan } from '../../launch/index.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { build } from './build.ts';
import type { PlanningContext } from './planner.ts';

/** Gives a plan to whoever asked for it: the launcher that waits, and those who come later, or one who shows it. */
export function handOver(ready: ReadyPlan, context: PlanningContext): void {
  if (context.show !== undefined) return context.show(ready);
  const { runDirectory, planDescriptor } = context;
  keepPlan(ready, { runDirectory, descriptor: planDescriptor, build: build.id, nowNs: wallClockNs() });
}
