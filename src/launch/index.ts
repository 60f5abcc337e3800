// SPDX-License-Identifier: Apache-2.0
export { keepPlan, type PlanKeeping } from './keep-plan.ts';
export { type AskedRun, planRun, type ReadyPlan } from './plan-run.ts';
