// SPDX-License-Identifier: Apache-2.0
// Text that a shell would run before each program (`--environ`), as edits of the environment where it says nothing else:
// `export NAME=value`, with `$NAME` of the variable itself before or behind, or of one set above; `unset NAME`; comments.
// Whatever else there is makes it a matter for a shell.
import type { EnvironmentEdit } from '../model/index.ts';

/** Where a variable's own old value stands in a value that is being read. */
const own = '\u0000';

/** The edits; undefined where only a shell can tell. */
export function editsOfEnvironText(text: string): readonly EnvironmentEdit[] | undefined {
  const edits: EnvironmentEdit[] = [];
  const known = new Map<string, string>();
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const unset = /^unset\s+((?:[A-Za-z_][A-Za-z0-9_]*\s*)+)$/.exec(trimmed)?.[1];
    if (unset !== undefined) {
      for (const name of unset.trim().split(/\s+/)) {
        edits.push({ edit: 'unset', glob: name });
        known.delete(name);
      }
      continue;
    }
    const assigned = /^export\s+(.*)$/.exec(trimmed)?.[1];
    const found = assigned === undefined ? undefined : readAssignments(assigned, known);
    if (found === undefined) return undefined;
    edits.push(...found);
  }
  return edits;
}

function readAssignments(text: string, known: Map<string, string>): readonly EnvironmentEdit[] | undefined {
  const edits: EnvironmentEdit[] = [];
  let rest = text;
  while (rest !== '' && !rest.startsWith('#')) {
    const name = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(rest)?.[1];
    const value = name === undefined ? undefined : readValue(rest.slice(name.length + 1), name, known);
    if (name === undefined || value === undefined) return undefined;
    const edit = editOf(name, value.text);
    if (edit === undefined) return undefined;
    edits.push(edit);
    if (edit.edit === 'set') known.set(name, value.text);
    else known.delete(name);
    rest = value.rest.trimStart();
  }
  return edits;
}

function editOf(name: string, value: string): EnvironmentEdit | undefined {
  if (!value.includes(own)) return { edit: 'set', name, value };
  const parts = value.split(own);
  const [before = '', after = ''] = parts;
  if (parts.length !== 2) return undefined;
  if (after === '' && /^.+:$/s.test(before))
    return { edit: 'prepend', name, value: before.slice(0, -1), separator: ':' };
  if (before === '' && /^:.+$/s.test(after)) return { edit: 'append', name, value: after.slice(1), separator: ':' };
  return undefined;
}

/** A word with its quotes and references taken out; undefined where it holds more than those. */
function readValue(
  text: string,
  name: string,
  known: ReadonlyMap<string, string>,
): { readonly text: string; readonly rest: string } | undefined {
  let value = '';
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (quote === "'") {
      if (letter === "'") quote = '';
      else value += letter;
      continue;
    }
    if (letter === '"' || (letter === "'" && quote === '')) {
      quote = quote === letter ? '' : letter;
      continue;
    }
    if (letter === '\\') {
      const next = text[at + 1];
      if (next === undefined) return undefined;
      value += quote === '"' && !'$`"\\'.includes(next) ? `\\${next}` : next;
      at += 1;
      continue;
    }
    if (letter === '$') {
      const reference = /^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/.exec(text.slice(at));
      const referred = reference?.[1] ?? reference?.[2];
      const expansion =
        referred === undefined ? undefined : (known.get(referred) ?? (referred === name ? own : undefined));
      if (reference === null || expansion === undefined) return undefined;
      value += expansion;
      at += reference[0].length - 1;
      continue;
    }
    if (quote === '' && /\s/.test(letter)) return { text: value, rest: text.slice(at) };
    if (letter === '`' || (quote === '' && /[;&|<>()*?[\]{}~!]/.test(letter))) return undefined;
    value += letter;
  }
  return quote === '' ? { text: value, rest: '' } : undefined;
}
