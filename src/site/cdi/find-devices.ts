// SPDX-License-Identifier: Apache-2.0
// Devices by their names, from the specifications of this machine.
import { SlipwayError } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { findGraphicsDevices, type GraphicsDevice } from './graphics-devices.ts';
import type { CdiName } from './names.ts';
import { cdiDirectories, readCdiFile, readCdiRegistry } from './read-registry.ts';
import {
  adaptationsOf,
  type CdiAdaptation,
  type CdiRegistry,
  findDevice,
  type FoundDevice,
  whyUnknown,
} from './resolve-devices.ts';
import type { CdiEdits, CdiSpec } from './spec.ts';

/**
 * What containers get for `names`. Specifications are looked for below $CDI_SPEC_DIRS (separated by colons, the last has
 * the highest priority), else where the specification of CDI puts them. AMD's and Intel's graphics processors need none.
 * @throws SlipwayError `cdi-spec-malformed`, `cdi-device-unknown`, `cdi-device-ambiguous`
 */
export async function findCdiDevices(names: readonly CdiName[], inputs: Inputs): Promise<readonly CdiAdaptation[]> {
  const [found = []] = await findCdiWishes([{ names }], inputs);
  return found;
}

/** Devices by name; all of a kind; all of a specification's file; all that are there. */
export type CdiWish =
  | { readonly names: readonly CdiName[] }
  | { readonly kind: string }
  | { readonly file: string }
  | 'all';

/**
 * The same for each of `wishes`, in their order. A kind whose specification has a device `all` is given by that one.
 * @param directories instead of those that $CDI_SPEC_DIRS names
 */
export async function findCdiWishes(
  wishes: readonly CdiWish[],
  inputs: Inputs,
  directories: readonly string[] = absolutePaths(inputs.environment('CDI_SPEC_DIRS') ?? ''),
): Promise<readonly (readonly CdiAdaptation[])[]> {
  const isOfRegistry = (wish: CdiWish): boolean =>
    wish === 'all' || 'kind' in wish || ('names' in wish && wish.names.length > 0);
  const registry = wishes.some(isOfRegistry) ? await registryFor(wishes, inputs, directories) : emptyRegistry;
  const seen = new Set<CdiSpec>();
  const groups: (readonly CdiAdaptation[])[] = [];
  for (const wish of wishes) {
    const devices =
      wish !== 'all' && 'file' in wish ? allOf(await readCdiFile(wish.file, inputs)) : devicesOf(wish, registry);
    groups.push(adaptationsOf(devices, seen));
  }
  return groups;
}

/** Those of a list with colons. */
export function absolutePaths(text: string): readonly string[] {
  return text.split(':').filter((path) => path.startsWith('/'));
}

const emptyRegistry: CdiRegistry = { directories: [], faults: [] };

async function registryFor(wishes: readonly CdiWish[], inputs: Inputs, own: readonly string[]): Promise<CdiRegistry> {
  const { directories, faults } = await readCdiRegistry(inputs, own.length === 0 ? cdiDirectories : own);
  const isWished = (kind: string): boolean =>
    wishes.some((wish) => {
      if (wish === 'all') return true;
      if ('kind' in wish) return wish.kind === kind;
      return 'names' in wish && wish.names.some((name) => name.kind === kind);
    });
  const specs = Object.keys(plainKinds)
    .filter(isWished)
    .map((kind) => specOf(kind, inputs))
    .filter(({ devices }) => devices.length > 0);
  const built: CdiRegistry['directories'] = specs.length === 0 ? [] : [{ path: '/dev/dri', specs }];
  return { directories: [...built, ...directories], faults };
}

/** @throws SlipwayError `cdi-device-unknown`, `cdi-device-ambiguous` */
function devicesOf(wish: Exclude<CdiWish, { readonly file: string }>, registry: CdiRegistry): readonly FoundDevice[] {
  if (wish !== 'all' && 'names' in wish) return wish.names.map((name) => findDevice(name, registry));
  const specs = registry.directories.flatMap((directory) => directory.specs);
  const kinds = wish === 'all' ? [...new Set(specs.map(({ kind }) => kind))] : [wish.kind];
  return kinds.flatMap((kind) => {
    const names = new Set(
      specs.filter((spec) => spec.kind === kind).flatMap(({ devices }) => devices.map(({ name }) => name)),
    );
    if (names.size === 0) {
      throw new SlipwayError('cdi-device-unknown', { name: kind, reason: whyUnknown({ kind }, registry) });
    }
    const wanted = names.has('all') ? ['all'] : [...names];
    return wanted.map((device) => findDevice({ kind, device }, registry));
  });
}

function allOf(spec: CdiSpec): readonly FoundDevice[] {
  const all = spec.devices.filter(({ name }) => name === 'all');
  return (all.length > 0 ? all : spec.devices).map((device) => ({ spec, device }));
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
