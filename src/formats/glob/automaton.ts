// SPDX-License-Identifier: Apache-2.0
// From a pattern to a table of transitions: matching a text takes one step a byte, whatever the pattern, and needs no
// understanding of patterns. The launcher, which edits the environment, gets this table.
import { derive, type Expression, matchesEmpty, rangesOf } from './expression.ts';
import { parsePattern } from './pattern.ts';

/** A pattern that needs more is refused: nobody writes one by hand. */
const maxStates = 256;
const maxPatternLength = 250;

/**
 * Transitions, each a number: state (bits 0 to 15), next state (16 to 31), first and last byte of the range that leads
 * there (32 to 39, 40 to 47). One with bit 48 says that a text may end in its state. The first state is 0; a byte without
 * a transition fails.
 * @throws RangeError where the pattern is too long or too involved.
 */
export function compileGlob(pattern: string): readonly bigint[] {
  if (pattern.length > maxPatternLength) throw new RangeError(`a pattern of more than ${maxPatternLength} characters`);
  const start = parsePattern(pattern);
  const ranges = byteClasses(start);
  const numbers = new Map([[start.text, 0]]);
  const todo: Expression[] = [start];
  const table: bigint[] = [];
  for (let at = 0; at < todo.length; at += 1) {
    const state = todo[at];
    if (state === undefined) break;
    if (matchesEmpty(state)) table.push(BigInt(at) | (1n << 48n));
    for (const [low, high] of ranges) {
      const next = derive(state, low);
      if (next.kind === 'impossible') continue;
      const number = numbers.get(next.text) ?? todo.push(next) - 1;
      numbers.set(next.text, number);
      if (number >= maxStates) throw new RangeError('a pattern that is too involved');
      table.push(BigInt(at) | (BigInt(number) << 16n) | (BigInt(low) << 32n) | (BigInt(high) << 40n));
    }
  }
  return table;
}

/** Whether a table says that all of the text matches: what the launcher does, for tests and for --verbose. */
export function globMatches(table: readonly bigint[], text: string): boolean {
  const part = (entry: bigint, from: bigint, mask: bigint): number => Number((entry >> from) & mask);
  const isEnd = (entry: bigint): boolean => part(entry, 48n, 1n) === 1;
  let state = 0;
  for (const byte of Buffer.from(text, 'utf8')) {
    const entry = table.find(
      (each) =>
        !isEnd(each) &&
        part(each, 0n, 0xffffn) === state &&
        part(each, 32n, 0xffn) <= byte &&
        byte <= part(each, 40n, 0xffn),
    );
    if (entry === undefined) return false;
    state = part(entry, 16n, 0xffffn);
  }
  return table.some((entry) => isEnd(entry) && part(entry, 0n, 0xffffn) === state);
}

/** Ranges of bytes that no part of the pattern tells apart. */
function byteClasses(expression: Expression): readonly (readonly [number, number])[] {
  const starts = new Set([0]);
  for (const [low, high] of rangesOf(expression)) {
    starts.add(low);
    if (high < 255) starts.add(high + 1);
  }
  const sorted = [...starts].sort((a, b) => a - b);
  return sorted.map((start, index) => [start, (sorted[index + 1] ?? 256) - 1] as const);
}
