// SPDX-License-Identifier: Apache-2.0
// The variables of one who logs in: those that a task finds in the container, but none of the caller's, since there is none.
import type { Adaptation } from '../../../model/index.ts';

/** What the edits make of no variables at all. */
export function sessionVariables(adaptations: readonly Adaptation[]): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const edit of adaptations.flatMap(({ environment }) => environment)) {
    switch (edit.edit) {
      case 'set':
        variables.set(edit.name, edit.value);
        break;
      case 'append':
      case 'prepend': {
        const old = variables.get(edit.name) ?? '';
        const both = edit.edit === 'append' ? [old, edit.value] : [edit.value, old];
        variables.set(edit.name, old === '' ? edit.value : both.join(edit.separator));
        break;
      }
      case 'unset':
        // The site's globs are names; those of the host's loader have nothing to take away here.
        variables.delete(edit.glob);
        break;
      case 'clear':
      case 'default':
      case 'expand':
      case 'unset-matching':
        // Shifter's containers have none of these for those who come from outside.
        break;
      default:
        edit satisfies never;
    }
  }
  return variables;
}
