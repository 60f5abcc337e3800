// SPDX-License-Identifier: Apache-2.0
// Which of the site's modules a container has.
import { SlipwayError } from '../../model/index.ts';
import type { ShifterModule, UdiRoot } from '../../site/index.ts';

/**
 * The modules of these names, in this order and each once.
 * @throws SlipwayError `shifter-module-unknown`, `shifter-module-conflict`
 */
export function selectModules(names: readonly string[], udiRoot: Pick<UdiRoot, 'modules'>): readonly ShifterModule[] {
  const selected = [...new Set(names)].map((name) => {
    const found = udiRoot.modules.get(name);
    if (found?.isEnabled === true) return found;
    const known = [...udiRoot.modules.values()].filter(({ isEnabled }) => isEnabled).map((each) => each.name);
    throw new SlipwayError('shifter-module-unknown', {
      module: name,
      reason: found === undefined ? 'the site has none of this name' : 'the site has disabled it',
      known: known.join(', ') || 'none',
    });
  });
  for (const [index, module] of selected.entries()) {
    const other = selected.slice(index + 1).find((each) => excludes(module, each) || excludes(each, module));
    if (other !== undefined)
      throw new SlipwayError('shifter-module-conflict', { module: module.name, other: other.name });
  }
  return selected;
}

function excludes(module: ShifterModule, other: ShifterModule): boolean {
  return module.conflicts.includes(other.name);
}
