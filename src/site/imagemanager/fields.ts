// SPDX-License-Identifier: Apache-2.0
// Reading the keys of a mapping one by one, with a line for whatever is wrong about each. YAML is a superset of JSON, so
// one parser reads both, and knows where everything stands.
import { isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type YAMLMap } from 'yaml';
import type { ConfigProblem } from './types.ts';

export type Fields = {
  readonly path: string;
  readonly names: () => readonly string[];
  readonly has: (key: string) => boolean;
  readonly text: (key: string) => string | undefined;
  readonly integer: (key: string, range: { readonly min: number; readonly max: number }) => number | undefined;
  readonly truth: (key: string) => boolean | undefined;
  /** A list of texts; a single text counts as one. */
  readonly texts: (key: string) => readonly string[] | undefined;
  readonly map: (key: string) => Fields | undefined;
  /** Notes that a key is known and decides nothing. */
  readonly ignore: (key: string, reason: string) => void;
  readonly problem: (severity: ConfigProblem['severity'], key: string, text: string) => void;
  /** Notes each key that nobody has asked for. */
  readonly finish: () => void;
};

type Context = { readonly lines: LineCounter; readonly problems: ConfigProblem[] };

export function fieldsOf(map: YAMLMap, path: string, context: Context): Fields {
  const asked = new Set<string>();
  const found = new Map<string, { readonly value: unknown; readonly line: number }>();
  const lineOf = (node: unknown): number => {
    const offset = (node as Partial<Node> | null)?.range?.[0];
    return offset === undefined ? 0 : context.lines.linePos(offset).line;
  };
  const full = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const report = (severity: ConfigProblem['severity'], line: number, key: string, text: string): void => {
    context.problems.push({ severity, line, key: full(key), text });
  };
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value) : '';
    if (found.has(name)) report('warning', lineOf(key), name, 'it is there twice; the last one counts');
    found.set(name, { value, line: lineOf(key) });
  }
  const lineOfKey = (key: string): number => found.get(key)?.line ?? lineOf(map);
  const wrong = (key: string, text: string): undefined => {
    report('error', lineOfKey(key), key, text);
    return undefined;
  };
  /** The plain value; `null` and "" say nothing, as in Shifter's example file. */
  const plain = (key: string): unknown => {
    asked.add(key);
    const value = found.get(key)?.value;
    if (isAlias(value)) return wrong(key, 'references (*name) are not understood here');
    const inner = isScalar(value) ? value.value : value;
    return inner === null || inner === '' ? undefined : inner;
  };
  const strings = (key: string, value: unknown): readonly string[] | undefined => {
    if (typeof value === 'string') return [value];
    if (!isSeq(value)) return wrong(key, 'it has to be a list of texts');
    const items = value.items.map((item) => (isScalar(item) ? item.value : item));
    const bad = items.findIndex((item) => typeof item !== 'string');
    return bad < 0 ? (items as string[]) : wrong(key, `number ${bad + 1} of the list is no text`);
  };
  return {
    path,
    names: () => [...found.keys()],
    has: (key) => found.has(key),
    text: (key) => {
      const value = plain(key);
      return value === undefined || typeof value === 'string' ? value : wrong(key, 'it has to be a text in quotes');
    },
    integer: (key, { min, max }) => {
      const value = plain(key);
      // Shifter's files have numbers in quotes here and there.
      const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
      if (number === undefined) return undefined;
      if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number;
      return wrong(key, `it has to be a whole number from ${min} to ${max}`);
    },
    truth: (key) => {
      const value = plain(key);
      return value === undefined || typeof value === 'boolean' ? value : wrong(key, 'it has to be true or false');
    },
    texts: (key) => {
      const value = plain(key);
      return value === undefined ? undefined : strings(key, value);
    },
    map: (key) => {
      const value = plain(key);
      if (value === undefined) return undefined;
      return isMap(value) ? fieldsOf(value, full(key), context) : wrong(key, 'it has to be an object {…}');
    },
    ignore: (key, reason) => {
      asked.add(key);
      if (found.has(key)) report('ignored', lineOfKey(key), key, reason);
    },
    problem: (severity, key, text) => report(severity, lineOfKey(key), key, text),
    finish: () => {
      for (const key of found.keys()) {
        if (!asked.has(key)) report('warning', lineOfKey(key), key, 'this key is not known; it is ignored');
      }
    },
  };
}
