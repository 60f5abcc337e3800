// SPDX-License-Identifier: Apache-2.0
// The hook for AMD's graphics processors: their device nodes.
import { findGraphicsDevices } from '../../site/index.ts';
import { bind, type HookContext, type HookEffects, type HookSettings, nothing } from './settings.ts';

/** /dev/kfd, and the nodes of each processor that ROCR_VISIBLE_DEVICES names; of all where it names none by number. */
export function amdgpuEffects(settings: HookSettings, { inputs, variable }: HookContext): HookEffects {
  if (inputs.kindOf('/dev/kfd') === undefined) return nothing;
  const wanted = (variable('ROCR_VISIBLE_DEVICES') ?? '').split(',').filter((each) => /^\d+$/.test(each));
  const nodes = findGraphicsDevices(inputs)
    .filter(({ index, vendor }) => vendor !== 'intel' && (wanted.length === 0 || wanted.includes(String(index))))
    .flatMap((device) => device.nodes);
  const mounts = ['/dev/kfd', ...nodes].map((path) => bind(path, path));
  return { adaptations: [{ origin: settings.origin('amdgpu'), mounts, environment: [] }], needsLibraryCache: false };
}
