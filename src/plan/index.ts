// SPDX-License-Identifier: Apache-2.0
export { encodePlan, fnv1a, maxPlanBytes, operations, planFileName } from './encode.ts';
export { type ExplainedPlan, explainPlan } from './explain.ts';
export type { GuestKind, HostFacts, ImageFacts, SiteFacts } from './facts.ts';
export { defaultPath, type GeneratedFile, mountTargets, plan, type PlannedRun } from './plan.ts';
