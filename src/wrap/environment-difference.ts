// SPDX-License-Identifier: Apache-2.0
// What activating an environment does to variables, found by activating it twice: once in a bare environment, once with
// a known text in each variable that it might touch. Whether that text is gone, kept, or has something before or behind
// it tells how the variable is to be edited in whatever environment a program is started later.
import type { EnvironmentEdit } from '../model/index.ts';

export type Variables = Readonly<Record<string, string | undefined>>;
export type Activated = { readonly before: Variables; readonly after: Variables };

/** Of the shell itself. */
const shellsOwn = new Set(['_', 'SHLVL', 'PWD', 'OLDPWD', 'BASH_EXECUTION_STRING']);

/** Names that a script may set or unset: every name in it. */
export function variablesNamedIn(script: string): readonly string[] {
  return [...new Set(script.match(/[A-Za-z_][A-Za-z0-9_]*/g))];
}

const knownStart = '/slipway-was-';

/** The text that stands for whatever a variable holds later. */
export function knownText(name: string): string {
  return `${knownStart}${name}`;
}

/**
 * The edits.
 * @param bare with none of the variables set that not every login sets
 * @param known with `knownText` in each variable that may be touched, before what it held
 */
export function environmentDifference(bare: Activated, known: Activated): readonly EnvironmentEdit[] {
  const names = new Set([bare.before, bare.after, known.before, known.after].flatMap((each) => Object.keys(each)));
  return [...names]
    .filter((name) => !shellsOwn.has(name) && !name.startsWith('BASH_FUNC_'))
    .toSorted()
    .flatMap((name) => editsOf(name, bare, known));
}

function editsOf(name: string, bare: Activated, known: Activated): readonly EnvironmentEdit[] {
  const before = known.before[name];
  const after = known.after[name];
  const alone = bare.after[name];
  if (after === before) {
    // Left alone where it is set: a default where it is not.
    return alone === undefined || alone === bare.before[name] ? [] : [{ edit: 'default', name, value: alone }];
  }
  if (after === undefined) return [{ edit: 'unset', glob: name }];
  const at = before === undefined || before === '' ? -1 : after.indexOf(before);
  if (before === undefined || at < 0) {
    // A copy of what another variable held before: nothing where that was not set.
    if (alone === undefined && after.includes(knownStart)) return [];
    return [{ edit: 'set', name, value: alone ?? after }];
  }
  return [...joined('prepend', name, after.slice(0, at)), ...joined('append', name, after.slice(at + before.length))];
}

/** Text that was put before or behind, with the separator that stands between. */
function joined(edit: 'prepend' | 'append', name: string, text: string): readonly EnvironmentEdit[] {
  if (text === '') return [];
  const separator = edit === 'prepend' ? text.slice(-1) : text.slice(0, 1);
  if (!/[:;, ]/.test(separator)) return [{ edit, name, value: text, separator: '' }];
  return [{ edit, name, value: edit === 'prepend' ? text.slice(0, -1) : text.slice(1), separator }];
}

/** Variables as `env -0` prints them. */
export function parseVariables(bytes: Buffer): Variables {
  const entries = bytes
    .toString('utf8')
    .split('\0')
    .flatMap((entry) => {
      const at = entry.indexOf('=');
      return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)] as const] : [];
    });
  return Object.fromEntries(entries);
}
