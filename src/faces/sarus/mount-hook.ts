// SPDX-License-Identifier: Apache-2.0
// `mount_hook`: an OCI createContainer hook that mounts what its arguments say into a container. Arguments first, all of
// them, and only then the mounts; what the launcher does by the plan is in native/root/bundle.c.
import { parseLdCache } from '../../formats/ld-cache/index.ts';
import {
  findProviderDirectory,
  noRules,
  parseDeviceValue,
  parseMountValue,
  providerWildcard,
  readHookWords,
  withProviderDirectory,
} from '../../formats/sarus-mount/index.ts';
import { type HookBundle, keepHookPlan, openDirectoryRootfs, readHookBundle } from '../../launch/index.ts';
import { SlipwayError, type Step } from '../../model/index.ts';
import { createInputs, type Inputs } from '../../sys/inputs.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { build } from '../terminal/build.ts';
import type { PlanningContext } from '../terminal/planner.ts';
import { findLdconfig } from './hook-ldconfig.ts';

/** @throws SlipwayError of the area hooks; nothing is mounted then */
export async function planMountHook(words: readonly string[], context: PlanningContext): Promise<number> {
  // What is read of the container is read for it alone, and so is no part of the trace.
  const once = createInputs(context);
  const inputs = createInputs(context);
  const bundle = readHookBundle(once);
  const ldconfig = findLdconfig(inputs);
  const parsed = readHookWords(words.slice(1));
  if (!parsed.ok) throw new SlipwayError('hook-arguments', { reason: parsed.reason });
  const { mounts, devices } = parsed.words;
  const providers = providerDirectory(bundle, { ldconfig, inputs: once });
  keepHookPlan(
    {
      words,
      trace: inputs.trace(),
      mounts: [...mounts.map((value) => mountStep(value, providers)), ...devices.map(deviceStep)],
      program: ldconfig === undefined ? undefined : [ldconfig, '-r', '.'],
      isLasting: !mounts.some((value) => value.includes(providerWildcard)),
    },
    {
      runDirectory: context.runDirectory,
      descriptor: context.planDescriptor,
      build: build.id,
      nowNs: wallClockNs(),
    },
  );
  return 0;
}

function mountStep(value: string, providers: () => string): Step {
  const expand = (text: string): string => withProviderDirectory(text, providers);
  const result = parseMountValue(value, { rules: noRules, expand });
  if (!result.ok) throw new SlipwayError('mount-value', { value, reason: result.reason });
  const { source, target, isReadOnly } = result.mount;
  const flags = { recursive: true, nosuid: true, create: true, readOnly: isReadOnly };
  return { step: 'bind', source, target, flags, origin: `--mount=${value}` };
}

function deviceStep(value: string): Step {
  const result = parseDeviceValue(value);
  if (!result.ok) throw new SlipwayError('device-value', { value, reason: result.reason });
  const { source, target, access } = result.device;
  const flags = { recursive: true, nosuid: true, create: true };
  return { step: 'device', source, target, access, flags, origin: `--device=${value}` };
}

/** Looks once, when it is first asked for. */
function providerDirectory(
  bundle: HookBundle,
  given: { readonly ldconfig: string | undefined; readonly inputs: Inputs },
): () => string {
  let known: string | undefined;
  return () => {
    if (known !== undefined) return known;
    const rootfs = openDirectoryRootfs(bundle.root, given.inputs);
    const variable = bundle.environment.find((each) => each.startsWith('FI_PROVIDER_PATH='));
    const cache = given.ldconfig === undefined ? undefined : rootfs.openFile('/etc/ld.so.cache');
    try {
      known = findProviderDirectory({
        variable: variable?.slice('FI_PROVIDER_PATH='.length),
        cached: cache === undefined ? undefined : parseLdCache(cache.read(0, maxCacheBytes))?.map(({ path }) => path),
        isThere: (path) => rootfs.kindOf(path) !== undefined,
      });
    } finally {
      cache?.close();
    }
    return known;
  };
}

const maxCacheBytes = 16 << 20;
