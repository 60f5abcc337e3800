// SPDX-License-Identifier: Apache-2.0
// Edits of an environment, as the launcher makes them (native/launcher/environment.c).
import type { EnvironmentEdit } from '../model/index.ts';

/** The variables after all edits, in the order in which they came to be. */
export function applyEdits(
  start: Readonly<Record<string, string | undefined>>,
  edits: readonly EnvironmentEdit[],
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(start)) if (value !== undefined) variables.set(name, value);
  for (const edit of edits) applyOne(variables, edit);
  return variables;
}

function applyOne(variables: Map<string, string>, edit: EnvironmentEdit): void {
  switch (edit.edit) {
    case 'clear':
      for (const name of variables.keys()) if (!edit.keep.some((glob) => isMatch(glob, name))) variables.delete(name);
      return;
    case 'unset':
    case 'unset-matching':
      for (const name of variables.keys()) if (isMatch(edit.glob, name)) variables.delete(name);
      return;
    case 'set':
      variables.set(edit.name, edit.value);
      return;
    case 'default':
      if (!variables.has(edit.name)) variables.set(edit.name, edit.value);
      return;
    case 'prepend':
    case 'append': {
      const old = variables.get(edit.name) ?? '';
      const both = edit.edit === 'prepend' ? [edit.value, old] : [old, edit.value];
      variables.set(edit.name, old === '' ? edit.value : both.join(edit.separator));
      return;
    }
    case 'expand': {
      const pieces = edit.value.split(':').flatMap((piece) => {
        const value = piece.startsWith('$') ? (variables.get(piece.slice(1)) ?? '') : piece;
        return value === '' && piece.startsWith('$') ? [] : [value];
      });
      variables.set(edit.name, pieces.join(':'));
      return;
    }
  }
}

function isMatch(glob: string, name: string): boolean {
  const pattern = glob
    .replaceAll(/[\\^$+.()[\]{}|]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`, 's').test(name);
}
