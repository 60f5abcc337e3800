// SPDX-License-Identifier: Apache-2.0
// `mpi_hook`, `glibc_hook` and `amdgpu_hook`: OCI createContainer hooks of these names for runc, crun and podman. What they
// mount depends on what is in the container's root, so that it is worked out for each container.
import {
  type HookBundle,
  keepHookPlan,
  knownHooks,
  loggingLevel,
  openDirectoryRootfs,
  readHookBundle,
} from '../../launch/index.ts';
import { type MountRequest, SlipwayError, type Step } from '../../model/index.ts';
import { createInputs, type Inputs } from '../../sys/inputs.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { build } from '../terminal/build.ts';
import type { PlanningContext } from '../terminal/planner.ts';
import { findLdconfig } from './hook-ldconfig.ts';

/** @throws SlipwayError of the area hooks; nothing is mounted then */
export async function planLibraryHook(words: readonly string[], context: PlanningContext): Promise<number> {
  const [name = '', ...rest] = words;
  const known = knownHooks[name];
  if (known === undefined) throw new Error(`${name} is no hook`);
  const inputs = createInputs(context);
  const bundle = readHookBundle(inputs);
  const ldconfig = findLdconfig(inputs);
  const annotations = new Map(Object.entries(bundle.annotations));
  const wanted = loggingLevel(annotations);
  const settings = {
    subject: name,
    words: rest,
    value: inputs.environment,
    origin: (what: string) => `${what} of ${name}`,
  };
  const { adaptations, needsLibraryCache } = known(settings, {
    image: openDirectoryRootfs(bundle.root, inputs),
    inputs,
    variable: (variable) => variableOf(bundle, variable),
    edits: [],
    annotations,
    person: { userName: '', home: '/' },
    say: (text, level) => {
      if (level >= wanted) context.writeStderr(`${name}: ${text}\n`);
    },
  });
  const mounts = adaptations.flatMap(({ origin, mounts: asked }) =>
    asked.map((mount) => stepOf(mount, origin, inputs)),
  );
  keepHookPlan(
    {
      words,
      trace: [],
      mounts,
      program: ldconfig !== undefined && needsLibraryCache ? [ldconfig, '-r', '.'] : undefined,
      isLasting: false,
    },
    {
      runDirectory: context.runDirectory,
      descriptor: context.planDescriptor,
      build: build.id,
      nowNs: wallClockNs(),
    },
  );
  return await Promise.resolve(0);
}

function variableOf({ environment }: HookBundle, name: string): string | undefined {
  return environment.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** What is a device may be used: it is the container's cgroup that would forbid it. */
function stepOf(mount: MountRequest, origin: string, inputs: Inputs): Step {
  if (mount.kind !== 'bind') throw new SlipwayError('hook-arguments', { reason: `${origin} is no bind mount` });
  const { source, target } = mount;
  const flags = { ...mount.flags, create: true };
  const isDevice = source.startsWith('/dev/') && inputs.kindOf(source) === 'other';
  const access = { read: true, write: true, make: false };
  return isDevice
    ? { step: 'device', source, target, access, flags, origin }
    : { step: 'bind', source, target, flags, origin };
}
