// SPDX-License-Identifier: Apache-2.0
// What a command line of `slipway run` only names: devices, whose specifications go before what the person asks for, and
// hooks, which come after it.
import type { AskedRun } from '../../launch/index.ts';
import { findCdiDevices } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { AskedSlipwayRun } from './ask-run.ts';

/**
 * Adds what a container needs for the devices and hooks that `asked` names. `say` is told what a person should know of it.
 * @throws SlipwayError `cdi-spec-malformed`, `cdi-device-unknown`, `cdi-device-ambiguous`, `hook-file`
 */
export async function completeRun(
  { devices, hooks, ...asked }: AskedSlipwayRun,
  given: { readonly inputs: Inputs; readonly variableNames: readonly string[]; readonly say: (text: string) => void },
): Promise<AskedRun> {
  const found = await findCdiDevices(devices, given.inputs);
  const { request } = asked;
  const withDevices = { ...asked, request: { ...request, adaptations: [...found, ...request.adaptations] } };
  if (hooks === undefined || hooks.directories.length === 0) return withDevices;
  const { withHooks } = await import('./with-hooks.ts');
  return withHooks(withDevices, { ...given, ...hooks });
}
