// SPDX-License-Identifier: Apache-2.0
//     value := pair ("," pair)*      pair := key [ "=" text ]      neither key nor text has "," or "="
// There is no quoting. The checks come in the order in which Sarus makes them, so that of two mistakes the same is told.

export type MountValue = { readonly source: string; readonly target: string; readonly isReadOnly: boolean };

/** Where a site lets its users mount nothing. Paths are compared by their components. */
export type MountRules = { readonly forbiddenPaths: readonly string[]; readonly forbiddenTrees: readonly string[] };

export const noRules: MountRules = { forbiddenPaths: [], forbiddenTrees: [] };

export type MountResult =
  | { readonly ok: true; readonly mount: MountValue }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads a value. `expand` is applied to source and target before they are looked at, and what it gives is never taken
 * apart again: a comma or an equals sign in it is part of a name.
 */
export function parseMountValue(
  value: string,
  given: { readonly rules: MountRules; readonly expand: (text: string) => string },
): MountResult {
  const fail = (reason: string): MountResult => ({ ok: false, reason });
  const pairs = parsePairs(value);
  if (typeof pairs === 'string') return fail(pairs);
  const take = (...names: readonly string[]): readonly string[] => {
    const found = names.flatMap((name) => pairs.get(name) ?? []);
    for (const name of names) pairs.delete(name);
    return found;
  };

  const type = take('type');
  if (type.length === 0) return fail('"type" is missing');
  if (type[0] !== 'bind') return fail(`"${type[0] ?? ''}" is no type of mount: only "bind" is`);
  const sources = take('source', 'src');
  const source = checkPath(sources, 'source', given.expand);
  if (!source.ok) return source;
  const target = checkPath(take('destination', 'dst', 'target'), 'destination', given.expand);
  if (!target.ok) return target;
  const forbidden = forbiddenBy(target.path, given.rules);
  if (forbidden !== undefined) return fail(forbidden);
  const isReadOnly = take('readonly').length > 0;
  const [left] = pairs.keys();
  if (left !== undefined) return fail(`"${left}" is no option of a mount`);
  return { ok: true, mount: { source: source.path, target: target.path, isReadOnly } };
}

function parsePairs(value: string): Map<string, string> | string {
  const pairs = new Map<string, string>();
  if (value === '') return pairs;
  for (const pair of value.split(',')) {
    if (pair === '') return 'there is an empty option: a comma too many';
    const [key = '', text = '', ...more] = pair.split('=');
    if (key === '') return `"${pair}" has no key before "="`;
    if (more.length > 0) return `"${pair}" has more than one "="`;
    if (pairs.has(key)) return `"${key}" is given twice`;
    pairs.set(key, text);
  }
  return pairs;
}

function checkPath(
  values: readonly string[],
  what: string,
  expand: (text: string) => string,
): { readonly ok: true; readonly path: string } | { readonly ok: false; readonly reason: string } {
  const [value, ...more] = values;
  if (value === undefined) return { ok: false, reason: `the ${what} is missing` };
  if (more.length > 0) return { ok: false, reason: `the ${what} is given more than once` };
  if (value === '') return { ok: false, reason: `the ${what} is empty` };
  const path = expand(value);
  if (path.includes('\0')) return { ok: false, reason: `the ${what} holds a NUL` };
  return path.startsWith('/') ? { ok: true, path } : { ok: false, reason: `the ${what} "${path}" is not absolute` };
}

function forbiddenBy(path: string, rules: MountRules): string | undefined {
  const parts = partsOf(path);
  const isSame = (other: string): boolean => partsOf(other).join('/') === parts.join('/');
  const isBelow = (other: string): boolean => partsOf(other).every((part, index) => part === parts[index]);
  if (rules.forbiddenPaths.some(isSame)) return `the site allows no mount on "${path}"`;
  const tree = rules.forbiddenTrees.find(isBelow);
  return tree === undefined ? undefined : `the site allows no mount in "${tree}"`;
}

/** Components, with `..` taken back as it would be in a tree without links. */
function partsOf(path: string): readonly string[] {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts;
}
