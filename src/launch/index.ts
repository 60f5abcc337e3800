// SPDX-License-Identifier: Apache-2.0
export { keepPlan, type PlanKeeping } from './keep-plan.ts';
export { type Person, readPerson } from './host-facts.ts';
export { type LocatedImage, type OpenedImage, withImage } from './image-facts.ts';
export { type AskedRun, planRun, type ReadyPlan, type RequestMaker } from './plan-run.ts';
export * from './hooks/index.ts';
export { openDirectoryRootfs, type Rootfs } from './rootfs.ts';
