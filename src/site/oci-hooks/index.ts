// SPDX-License-Identifier: Apache-2.0
// Configuration of OCI hooks, as sites keep it for Sarus, podman and CRI-O.
export { type HookDialect, type HookFile, lineOf, parseHookFile } from './hook-file.ts';
export { hookMatches, type HookSubject } from './matches.ts';
export { hookName, readPodmanHooks, readSarusHooks } from './read-hooks.ts';
