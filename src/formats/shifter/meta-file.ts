// SPDX-License-Identifier: Apache-2.0
// `ID.meta`, the text beside an image from which the runtime learns its form, its environment and who may use it: one
// `KEY: value` a line, split at the first colon.
import { formatPythonList, parsePythonList } from './python-list.ts';

export type MetaFile = {
  /** `squashfs`; others are for the reader to refuse. */
  readonly format: string;
  readonly entry: readonly string[];
  readonly cmd: readonly string[];
  readonly workdir: string | undefined;
  /** Undefined where nothing is said; empty lets everyone in, as undefined does. */
  readonly userAcl: readonly number[] | undefined;
  readonly groupAcl: readonly number[] | undefined;
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** Who imported it. */
  readonly importer: string | undefined;
};

/** A comment to every reader but those who ask whether Slipway made the image from layers itself. */
const convertedMark = '# converted by Slipway\n';

/** Whether Slipway made the image, and did not take it over from somebody. */
export function isConvertedBySlipway(text: string): boolean {
  return text.startsWith(convertedMark) && parseMetaFile(text).importer === undefined;
}

/**
 * The text, in the order in which Shifter's gateway writes it. A variable with a line break in its value can't be said in
 * this form and is left out: its second line would be read as a key.
 */
export function formatMetaFile(meta: MetaFile): string {
  const line = (key: string, value: string | undefined): readonly string[] =>
    value === undefined || isBroken(value) ? [] : [`${key}: ${value}\n`];
  return [
    ...(meta.importer === undefined ? [convertedMark] : []),
    ...line('FORMAT', meta.format),
    ...line('ENTRY', meta.entry.length === 0 ? undefined : formatPythonList(meta.entry)),
    ...line('CMD', meta.cmd.length === 0 ? undefined : formatPythonList(meta.cmd)),
    ...line('WORKDIR', meta.workdir === '' ? undefined : meta.workdir),
    ...line('USERACL', meta.userAcl?.join(',')),
    ...line('GROUPACL', meta.groupAcl?.join(',')),
    ...meta.env.flatMap((variable) => line('ENV', variable)),
    ...line('USER', meta.importer),
  ].join('');
}

/** Line breaks, and a backslash at the end, which would join the next line to this one. */
function isBroken(value: string): boolean {
  return /[\n\r\0]|\\$/.test(value);
}

/**
 * Reads the text. Of an unknown key nothing is kept.
 * @throws Error with the reason where an access list holds no id at all: nobody knows whom it would let in.
 */
export function parseMetaFile(text: string): MetaFile {
  const values = Map.groupBy(readLines(text), ({ key }) => key);
  const last = (key: string): string | undefined => values.get(key)?.at(-1)?.value;
  return {
    format: last('FORMAT') ?? '',
    entry: words(last('ENTRY')),
    cmd: words(last('CMD')),
    workdir: last('WORKDIR'),
    userAcl: ids('USERACL', last('USERACL')),
    groupAcl: ids('GROUPACL', last('GROUPACL')),
    env: (values.get('ENV') ?? []).map(({ value }) => value),
    importer: last('USER'),
  };
}

function words(value: string | undefined): readonly string[] {
  if (value === undefined || value === '') return [];
  return parsePythonList(value) ?? [value];
}

const mostIds = 1000;

function ids(key: string, value: string | undefined): readonly number[] | undefined {
  if (value === undefined) return undefined;
  const found = value.split(',').map((word) => word.trim());
  const numbers = found.filter((word) => /^\d{1,10}$/.test(word)).map(Number);
  if (value.trim() !== '' && numbers.length === 0) throw new Error(`${key} holds no id: ${value.slice(0, 100)}`);
  if (numbers.length > mostIds) throw new Error(`${key} holds more than ${mostIds} ids`);
  return numbers;
}

function readLines(text: string): readonly { readonly key: string; readonly value: string }[] {
  const joined: string[] = [];
  let isOpen = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const piece = line.trimEnd();
    const continues = piece.endsWith('\\');
    const content = (continues ? piece.slice(0, -1) : piece).trim();
    if (isOpen) joined.push(`${joined.pop() ?? ''} ${content}`);
    else joined.push(content);
    isOpen = continues;
  }
  return joined.flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [{ key: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }];
  });
}
