// SPDX-License-Identifier: Apache-2.0
// The patterns of fnmatch(3) with FNM_EXTMATCH, as the C library of GNU reads them, turned into expressions over bytes:
// `*`, `?`, `[…]`, `\x`, and ?(…|…), *(…), +(…), @(…), !(…), which may be nested.
import { alternatives, any, type Expression, letters, not, nothing, repeated, sequence } from './expression.ts';

/** Bytes of the pattern's UTF-8. What is no special sign, or not complete, stands for itself. */
export function parsePattern(pattern: string): Expression {
  const bytes = Buffer.from(pattern, 'utf8').toString('latin1');
  return readSequence({ text: bytes, at: 0 }, '');
}

type Reader = { readonly text: string; at: number };

/** Reads up to one of `ends`, which is left to be read. */
function readSequence(reader: Reader, ends: string): Expression {
  const parts: Expression[] = [];
  while (reader.at < reader.text.length && !ends.includes(reader.text.charAt(reader.at))) {
    parts.push(readList(reader) ?? readBracket(reader) ?? readSimple(reader));
  }
  return parts.reduceRight((rest, part) => sequence(part, rest), nothing);
}

function readSimple(reader: Reader): Expression {
  const letter = reader.text.charAt(reader.at);
  reader.at += 1;
  if (letter === '*') return repeated(any);
  if (letter === '?') return any;
  if (letter !== '\\' || reader.at === reader.text.length) return letters([[code(letter), code(letter)]]);
  const escaped = code(reader.text.charAt(reader.at));
  reader.at += 1;
  return letters([[escaped, escaped]]);
}

/** `@(a|b)` and its like; undefined, with nothing read, where there is none or its end is missing. */
function readList(reader: Reader): Expression | undefined {
  const { text, at } = reader;
  const sign = text.charAt(at);
  if (!'?*+@!'.includes(sign) || text.charAt(at + 1) !== '(') return undefined;
  const inside: Reader = { text, at: at + 2 };
  const choices: Expression[] = [];
  for (;;) {
    choices.push(readSequence(inside, '|)'));
    if (inside.at >= text.length) return undefined;
    inside.at += 1;
    if (text.charAt(inside.at - 1) === ')') break;
  }
  reader.at = inside.at;
  const one = alternatives(choices);
  switch (sign) {
    case '?':
      return alternatives([one, nothing]);
    case '*':
      return repeated(one);
    case '+':
      return sequence(one, repeated(one));
    case '!':
      return not(one);
    default:
      return one;
  }
}

/** `[a-z]`, `[!a-z]`; undefined, with nothing read, where there is none or its end is missing. */
function readBracket(reader: Reader): Expression | undefined {
  const { text } = reader;
  if (text.charAt(reader.at) !== '[') return undefined;
  let at = reader.at + 1;
  const isNegated = text.charAt(at) === '!' || text.charAt(at) === '^';
  if (isNegated) at += 1;
  const ranges: (readonly [number, number])[] = [];
  for (let isFirst = true; ; isFirst = false) {
    if (at >= text.length) return undefined;
    if (text.charAt(at) === ']' && !isFirst) break;
    const named = /^\[:([a-z]+):\]/.exec(text.slice(at));
    const members = classes[named?.[1] ?? ''];
    if (named !== null && members !== undefined) {
      ranges.push(...members);
      at += named[0].length;
      continue;
    }
    const low = readMember(text, at);
    if (low === undefined) return undefined;
    at = low.next;
    if (text.charAt(at) !== '-' || text.charAt(at + 1) === ']' || at + 1 >= text.length) {
      ranges.push([low.code, low.code]);
      continue;
    }
    const high = readMember(text, at + 1);
    if (high === undefined) return undefined;
    at = high.next;
    if (low.code <= high.code) ranges.push([low.code, high.code]);
  }
  reader.at = at + 1;
  return letters(isNegated ? others(ranges) : ranges);
}

function readMember(text: string, at: number): { readonly code: number; readonly next: number } | undefined {
  const start = text.charAt(at) === '\\' ? at + 1 : at;
  return start < text.length ? { code: code(text.charAt(start)), next: start + 1 } : undefined;
}

function others(ranges: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const codes = Array.from({ length: 256 }, (_, index) => index);
  return codes
    .filter((each) => !ranges.some(([low, high]) => low <= each && each <= high))
    .map((each) => [each, each] as const);
}

function code(letter: string): number {
  return letter.charCodeAt(0);
}

const span = (text: string): readonly [number, number] => [code(text), code(text.charAt(1))];
const upper = span('AZ');
const lower = span('az');
const digit = span('09');
const punctuation = ['!/', ':@', '[`', '{~'].map(span);

/** Of the C locale. */
const classes: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  alpha: [upper, lower],
  upper: [upper],
  lower: [lower],
  digit: [digit],
  alnum: [upper, lower, digit],
  xdigit: [digit, span('AF'), span('af')],
  punct: punctuation,
  graph: [span('!~')],
  print: [span(' ~')],
  space: [
    [9, 13],
    [32, 32],
  ],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
};
