// SPDX-License-Identifier: Apache-2.0
// Devices by their names, from the specifications of this machine.
import type { Inputs } from '../../sys/inputs.ts';
import { findGraphicsDevices, type GraphicsDevice } from './graphics-devices.ts';
import type { CdiName } from './names.ts';
import { cdiDirectories, readCdiRegistry } from './read-registry.ts';
import { type CdiAdaptation, type CdiRegistry, resolveCdiDevices } from './resolve-devices.ts';
import type { CdiEdits, CdiSpec } from './spec.ts';

/**
 * What containers get for `names`. Specifications are looked for below $CDI_SPEC_DIRS (separated by colons, the last has
 * the highest priority), else where the specification of CDI puts them. AMD's and Intel's graphics processors need none.
 * @throws SlipwayError `cdi-spec-malformed`, `cdi-device-unknown`, `cdi-device-ambiguous`
 */
export async function findCdiDevices(names: readonly CdiName[], inputs: Inputs): Promise<readonly CdiAdaptation[]> {
  if (names.length === 0) return [];
  const own = (inputs.environment('CDI_SPEC_DIRS') ?? '').split(':').filter((path) => path.startsWith('/'));
  const { directories, faults } = await readCdiRegistry(inputs, own.length === 0 ? cdiDirectories : own);
  const specs = Object.keys(plainKinds)
    .filter((kind) => names.some((name) => name.kind === kind))
    .map((kind) => specOf(kind, inputs))
    .filter(({ devices }) => devices.length > 0);
  const built: CdiRegistry['directories'] = specs.length === 0 ? [] : [{ path: '/dev/dri', specs }];
  return resolveCdiDevices(names, { directories: [...built, ...directories], faults });
}

/** Kinds whose devices are known by their nodes alone; a specification of the kind counts before this. */
const plainKinds: Readonly<Record<string, GraphicsDevice['vendor']>> = {
  'amd.com/gpu': 'amd',
  'intel.com/gpu': 'intel',
};
const noEdits: CdiEdits = { env: [], deviceNodes: [], mounts: [], hooks: [], additionalGids: [] };

function specOf(kind: string, inputs: Inputs): CdiSpec {
  const path = '/dev/dri';
  const vendor = plainKinds[kind];
  const found = findGraphicsDevices(inputs).filter((device) => device.vendor === vendor);
  const nodes = (devices: readonly GraphicsDevice[]): CdiEdits => ({
    ...noEdits,
    deviceNodes: devices.flatMap((device) => device.nodes).map((node) => ({ path: node, hostPath: node })),
  });
  const common = vendor === 'amd' ? [{ path: '/dev/kfd', hostPath: '/dev/kfd' }] : [];
  const named = found.map((device) => ({ name: String(device.index), line: 1, edits: nodes([device]) }));
  return {
    path,
    kind,
    edits: { ...noEdits, deviceNodes: common },
    devices: found.length === 0 ? [] : [...named, { name: 'all', line: 1, edits: nodes(found) }],
  };
}
