// SPDX-License-Identifier: Apache-2.0
// Hooks of OCI runtimes.
export { type HookBundle, readHookBundle } from './bundle.ts';
export { containerVariable } from './container-variable.ts';
export { keepHookPlan } from './keep-hook-plan.ts';
export { distrustOfProgram } from './trusted-program.ts';
