// SPDX-License-Identifier: Apache-2.0
export { applyEdits } from './apply-edits.ts';
export { encodePlan, maxCoveredWords, maxPlanBytes, operations, planFileName } from './encode.ts';
export { fingerprint, fnv1a } from './fingerprint.ts';
export { type ExplainedPlan, explainPlan } from './explain.ts';
export type { GuestKind, HostFacts, ImageFacts, SiteFacts } from './facts.ts';
export { type GeneratedFile, mountSources, mountTargets, plan } from './plan.ts';
export type { Skeleton } from './scaffold.ts';
export { capabilityNumber } from './capabilities.ts';
export { defaultPath } from './environment.ts';
export { containerGroup, containerPasswd } from './accounts.ts';
export { ociConfig } from './oci-bundle.ts';
