// SPDX-License-Identifier: Apache-2.0
// From names of devices to what a container needs for them: one Adaptation for each specification and device.
import {
  type Adaptation,
  type EnvironmentEdit,
  type HookRequest,
  type MountFlags,
  type MountRequest,
  SlipwayError,
} from '../../model/index.ts';
import { effectOfKnownHook, type HookEffect } from './known-hooks.ts';
import type { CdiName } from './names.ts';
import type { CdiDevice, CdiEdits, CdiHook, CdiMount, CdiSpec } from './spec.ts';

/** The specifications of this machine. */
export type CdiRegistry = {
  /** From the lowest to the highest priority; those of one directory have the same. */
  readonly directories: readonly { readonly path: string; readonly specs: readonly CdiSpec[] }[];
  /** Files that could not be used, and why. */
  readonly faults: readonly { readonly path: string; readonly reason: string }[];
};

export type CdiAdaptation = Adaptation & {
  readonly hooks: readonly HookRequest[];
  readonly additionalGids: readonly number[];
};

/**
 * What containers get for `names`, in that order; a specification's own edits come once, before its first device's.
 * @throws SlipwayError `cdi-device-unknown`, `cdi-device-ambiguous`
 */
export function resolveCdiDevices(names: readonly CdiName[], registry: CdiRegistry): readonly CdiAdaptation[] {
  return adaptationsOf(
    names.map((name) => findDevice(name, registry)),
    new Set(),
  );
}

export type FoundDevice = { readonly spec: CdiSpec; readonly device: CdiDevice };

/** `seen` holds the specifications whose own edits are made already, and gets the others. */
export function adaptationsOf(devices: readonly FoundDevice[], seen: Set<CdiSpec>): readonly CdiAdaptation[] {
  return devices.flatMap(({ spec, device }) => {
    const origin = `${spec.path}:${device.line}: device ${spec.kind}=${device.name}`;
    const own = adaptationOf(device.edits, origin, mountsOf(spec.edits));
    if (seen.has(spec)) return [own];
    seen.add(spec);
    const common = adaptationOf(spec.edits, `${spec.path}: all devices of ${spec.kind}`);
    return [...(isEmpty(common) ? [] : [common]), own];
  });
}

/** @throws SlipwayError `cdi-device-unknown`, `cdi-device-ambiguous` */
export function findDevice(name: CdiName, registry: CdiRegistry): FoundDevice {
  const full = `${name.kind}=${name.device}`;
  for (const { specs } of registry.directories.toReversed()) {
    const found = specs.flatMap((spec) =>
      spec.kind === name.kind
        ? spec.devices.flatMap((device) => (device.name === name.device ? [{ spec, device }] : []))
        : [],
    );
    const [first, second] = found;
    if (first === undefined) continue;
    if (second !== undefined) {
      throw new SlipwayError('cdi-device-ambiguous', { name: full, first: first.spec.path, second: second.spec.path });
    }
    return first;
  }
  throw new SlipwayError('cdi-device-unknown', { name: full, reason: whyUnknown(name, registry) });
}

export function whyUnknown({ kind }: Pick<CdiName, 'kind'>, { directories, faults }: CdiRegistry): string {
  const [fault] = faults;
  if (fault !== undefined) return `and ${fault.path} can not be used: ${fault.reason}`;
  const specs = directories.flatMap((directory) => directory.specs);
  const ofKind = specs.filter((spec) => spec.kind === kind);
  if (ofKind.length > 0) {
    return `${kind} has ${ofKind.flatMap((spec) => spec.devices.map((device) => device.name)).join(', ')}`;
  }
  const kinds = [...new Set(specs.map((spec) => spec.kind))];
  const places = directories.map(({ path }) => path).join(' and ');
  return kinds.length === 0 ? `${places} hold no specification` : `${places} have ${kinds.join(', ')}`;
}

function isEmpty({ mounts, environment, hooks, additionalGids }: CdiAdaptation): boolean {
  return mounts.length + environment.length + hooks.length + additionalGids.length === 0;
}

function adaptationOf(edits: CdiEdits, origin: string, others: readonly MountRequest[] = []): CdiAdaptation {
  const mounts = mountsOf(edits);
  const hooks: HookRequest[] = [];
  const effects: HookEffect[] = [];
  for (const hook of edits.hooks) {
    const effect = effectOfKnownHook(hook, [...others, ...mounts, ...effects.flatMap((before) => before.mounts)]);
    if (effect === undefined) hooks.push(requestOf(hook));
    else effects.push(effect);
  }
  return {
    origin,
    mounts: [...mounts, ...effects.flatMap((effect) => effect.mounts)],
    environment: [
      ...edits.env.map((text): EnvironmentEdit => {
        const equals = text.indexOf('=');
        return { edit: 'set', name: text.slice(0, equals), value: text.slice(equals + 1) };
      }),
      ...effects.flatMap((effect) => effect.environment),
    ],
    hooks,
    additionalGids: edits.additionalGids,
  };
}

function requestOf({ hookName, ...hook }: CdiHook): HookRequest {
  return { stage: hookName, ...hook };
}

function mountsOf(edits: CdiEdits): readonly MountRequest[] {
  return [
    ...edits.deviceNodes.map(({ path, hostPath }): MountRequest => ({
      kind: 'bind',
      source: hostPath,
      target: path,
      flags: {},
    })),
    ...edits.mounts.map(mountOf),
  ];
}

/** The options of mount(8) that a plan knows; the others (propagation, times) change nothing in a private namespace. */
const flagsByOption: Readonly<Record<string, MountFlags>> = {
  ro: { readOnly: true },
  nosuid: { nosuid: true },
  nodev: { nodev: true },
  noexec: { noexec: true },
  rbind: { recursive: true },
};

function mountOf({ hostPath, containerPath, options, type }: CdiMount): MountRequest {
  const flags = options.reduce<MountFlags>((sum, option) => ({ ...sum, ...flagsByOption[option] }), {});
  if (type !== 'tmpfs') return { kind: 'bind', source: hostPath, target: containerPath, flags };
  const size = options.find((option) => option.startsWith('size='))?.slice('size='.length) ?? '';
  return { kind: 'tmpfs', target: containerPath, sizeBytes: tmpfsBytes(size), mode: 0o755, flags };
}

/** tmpfs(5): bytes, with k, m or g; 0 leaves the kernel's own limit. */
function tmpfsBytes(text: string): number {
  const found = /^(\d{1,12})([kmg]?)$/i.exec(text);
  const unit = { '': 1, 'k': 2 ** 10, 'm': 2 ** 20, 'g': 2 ** 30 }[(found?.[2] ?? '').toLowerCase()] ?? 1;
  return found === null ? 0 : Number(found[1]) * unit;
}
