// SPDX-License-Identifier: Apache-2.0
// `KEY: value` lines; a value that ends in a backslash goes on in the next line. ENTRY and CMD are lists as Python writes
// them, `['a', "it's"]`; JSON is read too, and what is neither is one word.

export type ImageMeta = {
  /** squashfs, or what another writer says: ext4, cramfs, xfs, VFS. */
  readonly format: string;
  /** `NAME=VALUE`. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workdir?: string;
  /** Who may run it; both empty: everyone. */
  readonly userIds: readonly number[];
  readonly groupIds: readonly number[];
  /** Who imported it, where it was imported and not converted from a registry's layers. */
  readonly importer?: string;
};

export type ImageMetaReading =
  | { readonly ok: true; readonly meta: ImageMeta }
  | { readonly ok: false; readonly reason: string };

const maxIds = 1000;

/** Reads the text; a list of ids without a single id is a fault, since whom it was meant to keep out is unknown. */
export function parseImageMeta(text: string): ImageMetaReading {
  let format = '';
  let workdir = '';
  let importer = '';
  const env: string[] = [];
  const lists: Record<'ENTRY' | 'CMD', readonly string[]> = { ENTRY: [], CMD: [] };
  const ids: Record<'USERACL' | 'GROUPACL', readonly number[]> = { USERACL: [], GROUPACL: [] };
  for (const [key, value] of readPairs(text)) {
    switch (key) {
      case 'FORMAT':
        format = value;
        break;
      case 'WORKDIR':
        workdir = value;
        break;
      case 'USER':
        importer = value;
        break;
      case 'ENV':
        env.push(value);
        break;
      case 'ENTRY':
      case 'CMD':
        lists[key] = readWordList(value);
        break;
      case 'USERACL':
      case 'GROUPACL': {
        const read = readIds(value);
        if (read === undefined) return { ok: false, reason: `${key} is "${value.slice(0, 100)}", which names nobody` };
        ids[key] = read;
        break;
      }
      default:
        break;
    }
  }
  if (format === '') return { ok: false, reason: 'it has no FORMAT' };
  return {
    ok: true,
    meta: {
      format,
      env,
      entrypoint: lists.ENTRY,
      cmd: lists.CMD,
      ...(workdir === '' ? {} : { workdir }),
      userIds: ids.USERACL,
      groupIds: ids.GROUPACL,
      ...(importer === '' ? {} : { importer }),
    },
  };
}

/** `['a', "b's"]`, `[u'a']`, `["a", "b"]`; anything else is one word, and nothing is none. */
export function readWordList(text: string): readonly string[] {
  if (text === '') return [];
  const json = asJsonList(text);
  if (json !== undefined) return json;
  if (!/^\[u?['"]/.test(text)) return [text];
  const words: string[] = [];
  const element = /\s*,?\s*u?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/y;
  element.lastIndex = 1;
  for (let found = element.exec(text); found !== null; found = element.exec(text)) {
    words.push((found[1] ?? found[2] ?? '').replaceAll(/\\([\\'"])/g, '$1'));
  }
  return words;
}

function asJsonList(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

function readIds(value: string): readonly number[] | undefined {
  const words = value.split(',').map((word) => word.trim());
  const ids = words.filter((word) => /^[0-9]{1,10}$/.test(word)).map(Number);
  return (value !== '' && ids.length === 0) || ids.length > maxIds ? undefined : ids;
}

function* readPairs(text: string): Generator<readonly [string, string]> {
  let pieces: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line.startsWith('#') && pieces.length === 0) continue;
    if (line.endsWith('\\')) {
      pieces.push(line.slice(0, -1).trim());
      continue;
    }
    const whole = [...pieces, line].join(' ');
    pieces = [];
    const colon = whole.indexOf(':');
    if (colon >= 0) yield [whole.slice(0, colon).trim(), whole.slice(colon + 1).trim()];
  }
}
