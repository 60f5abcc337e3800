// SPDX-License-Identifier: Apache-2.0
export { keepPlan } from './keep-plan.ts';
export { type Person, readPerson } from './host-facts.ts';
export { type LocatedImage, type OpenedImage, withImage } from './image-facts.ts';
export { type AskedRun, planRun, type ReadyPlan } from './plan-run.ts';
export * from './hooks/index.ts';
export * from './known-hooks/index.ts';
export { openDirectoryRootfs } from './rootfs.ts';
