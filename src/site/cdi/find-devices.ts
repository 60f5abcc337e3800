// SPDX-License-Identifier: Apache-2.0
// Devices by their names, from the specifications of this machine.
import type { Inputs } from '../../sys/inputs.ts';
import type { CdiName } from './names.ts';
import { cdiDirectories, readCdiRegistry } from './read-registry.ts';
import { type CdiAdaptation, resolveCdiDevices } from './resolve-devices.ts';

/**
 * What containers get for `names`. Specifications are looked for below $CDI_SPEC_DIRS (separated by colons, the last has
 * the highest priority), else where the specification of CDI puts them.
 * @throws SlipwayError `cdi-spec-malformed`, `cdi-device-unknown`, `cdi-device-ambiguous`
 */
export async function findCdiDevices(names: readonly CdiName[], inputs: Inputs): Promise<readonly CdiAdaptation[]> {
  if (names.length === 0) return [];
  const own = (inputs.environment('CDI_SPEC_DIRS') ?? '').split(':').filter((path) => path.startsWith('/'));
  return resolveCdiDevices(names, await readCdiRegistry(inputs, own.length === 0 ? cdiDirectories : own));
}
