// SPDX-License-Identifier: Apache-2.0
// The hooks that come with Sarus, by what they do to a container: no process is started for them, but for two
// that are told of the time. Any other is run.
import { posix } from 'node:path';
import type { HookRequest } from '../../model/index.ts';
import type { HookFile } from '../../site/index.ts';
import { installationPrefix } from '../../sys/installation.ts';
import { amdgpuEffects } from './amdgpu.ts';
import { glibcEffects } from './glibc.ts';
import { mountEffects } from './mount.ts';
import { mpiEffects } from './mpi.ts';
import { sshEffects } from './ssh.ts';
import { type HookContext, type HookEffects, type HookSettings, settingsOf } from './settings.ts';

type KnownHook = (settings: HookSettings, context: HookContext) => HookEffects;

/** By the name of the program, wherever a file says that it is. */
export const knownHooks: Readonly<Record<string, KnownHook>> = {
  mount_hook: mountEffects,
  mpi_hook: mpiEffects,
  glibc_hook: glibcEffects,
  amdgpu_hook: amdgpuEffects,
  ssh_hook: sshEffects,
};

/** @throws SlipwayError `mount-value`, `device-value`, `hook-arguments`, `hook-setting` */
export function effectsOf(file: HookFile, context: HookContext): HookEffects {
  const name = posix.basename(file.hook.path);
  const known = Object.hasOwn(knownHooks, name) ? knownHooks[name] : undefined;
  return known === undefined ? externalEffects(file) : known(settingsOf(file), context);
}

/** Sarus's hooks that have something to do when a container starts: programs of this installation. */
const ownPrograms: ReadonlySet<string> = new Set(['timestamp_hook', 'slurm_global_sync_hook']);

/** A program: run at each of its stages, with the environment of its file and no other. */
function externalEffects(file: HookFile): HookEffects {
  const { env = [], ...hook } = file.hook;
  const name = posix.basename(hook.path);
  const prefix = installationPrefix();
  const isOwn = ownPrograms.has(name) && prefix !== undefined;
  const path = isOwn ? posix.join(prefix, 'bin', name) : hook.path;
  const hooks = file.stages.map((stage): HookRequest => {
    // Ranks wait for one another when each has its ssh server, which a program may want at once.
    const isSync = isOwn && name === 'slurm_global_sync_hook';
    return { ...hook, path, env, ...(isSync ? { stage: 'createRuntime', isLate: true } : { stage }) };
  });
  const origin = settingsOf(file).origin(file.hook.path);
  return { adaptations: [{ origin, mounts: [], environment: [], hooks }], needsLibraryCache: false };
}
