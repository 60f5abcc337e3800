// SPDX-License-Identifier: Apache-2.0
// Devices that a command line names: what their specifications say goes before what the person asks for.
import type { AskedRun } from '../../launch/index.ts';
import type { RunRequest } from '../../model/index.ts';
import { findCdiDevices } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { AskedSlipwayRun } from './ask-run.ts';

/**
 * Adds what a container needs for the devices that `asked` names.
 * @throws SlipwayError `cdi-spec-malformed`, `cdi-device-unknown`, `cdi-device-ambiguous`
 */
export async function withDevices(asked: AskedSlipwayRun, inputs: Inputs): Promise<AskedRun<RunRequest>> {
  const { devices, ...rest } = asked;
  if (devices.length === 0) return rest;
  const found = await findCdiDevices(devices, inputs);
  return { ...rest, request: { ...rest.request, adaptations: [...found, ...rest.request.adaptations] } };
}
