// SPDX-License-Identifier: Apache-2.0
// The site's scripts that shape a container: run where the layer is being made, they make directories and links in it.
// Shifter ran them as root among the mounts; here the layer has none yet, and a person's container runs them as the person.
import type { MadeEntry } from '../../model/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type ShifterModule, type UdiRoot, unsafeReason } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { withMadeTree } from '../../sys/made-tree.ts';

const timeoutMs = 60_000;

/**
 * The layer after sitePreMountHook, sitePostMountHook and the modules' roothooks, in this order.
 * @throws SlipwayError `shifter-hook-failed`; `shifter-hook-needs-root` for a roothook that a person would run
 */
export function runSiteHooks(
  layer: readonly MadeEntry[],
  given: {
    readonly udiRoot: UdiRoot;
    readonly modules: readonly ShifterModule[];
    readonly inputs: Inputs;
    readonly isRoot: boolean;
  },
): readonly MadeEntry[] {
  const { udiRoot, modules, inputs, isRoot } = given;
  const rootHooks = modules.flatMap(({ name, rootHook }) => (rootHook === undefined ? [] : [{ name, hook: rootHook }]));
  const [first] = rootHooks;
  if (first !== undefined && !isRoot)
    throw new SlipwayError('shifter-hook-needs-root', { module: first.name, hook: first.hook });
  const hooks = [
    ['sitePreMountHook', udiRoot.sitePreMountHook],
    ['sitePostMountHook', udiRoot.sitePostMountHook],
    ...rootHooks.map(({ name, hook }) => [`module_${name}_roothook`, hook] as const),
  ].flatMap(([key = '', hook]) => (hook === undefined ? [] : [{ key, hook }]));
  if (hooks.length === 0) return layer;
  for (const { key, hook } of hooks) {
    const reason = unsafeReason(inputs.ownerOf(hook));
    if (reason !== undefined) throw new SlipwayError('shifter-hook-failed', { key, hook, reason });
  }
  return withMadeTree(layer, (tree) => {
    for (const { key, hook } of hooks) {
      const { status, signal, error } = tree.run(['/bin/sh', hook], timeoutMs);
      if (status === 0) continue;
      const reason = error?.message ?? (signal === null ? `it ended with status ${status}` : `${signal} ended it`);
      throw new SlipwayError('shifter-hook-failed', { key, hook, reason });
    }
    return tree.read();
  });
}
