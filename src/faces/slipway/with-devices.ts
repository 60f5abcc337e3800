// SPDX-License-Identifier: Apache-2.0
// Devices that a command line names: what their specifications say goes before what the person asks for.
import type { AskedRun } from '../../launch/index.ts';
import { type RunRequest, SlipwayError } from '../../model/index.ts';
import { cdiDirectories, readCdiRegistry, resolveCdiDevices } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { AskedSlipwayRun } from './ask-run.ts';

/**
 * Adds what a container needs for the devices that `asked` names. Specifications are looked for below $CDI_SPEC_DIRS
 * (separated by colons, the last has the highest priority), else where the specification of CDI puts them.
 * @throws SlipwayError `cdi-device-unknown`, `cdi-device-ambiguous`, `cdi-hook-unknown`
 */
export async function withDevices(asked: AskedSlipwayRun, inputs: Inputs): Promise<AskedRun<RunRequest>> {
  const { devices, ...rest } = asked;
  if (devices.length === 0) return rest;
  const directories = (inputs.environment('CDI_SPEC_DIRS') ?? '').split(':').filter((path) => path.startsWith('/'));
  const registry = await readCdiRegistry(inputs, directories.length === 0 ? cdiDirectories : directories);
  const found = resolveCdiDevices(devices, registry);
  for (const { origin, hooks } of found) {
    const [hook] = hooks;
    if (hook !== undefined)
      throw new SlipwayError('cdi-hook-unknown', { origin, hook: hook.args.join(' ') || hook.path });
  }
  return { ...rest, request: { ...rest.request, adaptations: [...found, ...rest.request.adaptations] } };
}
