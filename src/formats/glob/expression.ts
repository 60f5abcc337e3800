// SPDX-License-Identifier: Apache-2.0
// Regular expressions over bytes, with complement, and Brzozowski's derivative: what must follow once a byte was read
// (J. A. Brzozowski, "Derivatives of Regular Expressions", 1964). Expressions are kept in a normal form, so that there
// are finitely many derivatives, and carry their text, by which they are told apart.

export type Expression = { readonly text: string } & (
  | { readonly kind: 'impossible' | 'nothing' }
  | { readonly kind: 'letters'; readonly ranges: readonly (readonly [number, number])[] }
  | { readonly kind: 'sequence'; readonly first: Expression; readonly rest: Expression }
  | { readonly kind: 'alternatives'; readonly choices: readonly Expression[] }
  | { readonly kind: 'repeated' | 'not'; readonly of: Expression }
);

/** Matches no text. */
const impossible: Expression = { kind: 'impossible', text: '0' };
/** Matches the empty text. */
export const nothing: Expression = { kind: 'nothing', text: '1' };
/** Matches each one byte. */
export const any: Expression = letters([[0, 255]]);

/** One byte out of these ranges. */
export function letters(ranges: readonly (readonly [number, number])[]): Expression {
  if (ranges.length === 0) return impossible;
  return { kind: 'letters', ranges, text: `[${ranges.map((range) => range.join('-')).join()}]` };
}

export function sequence(first: Expression, rest: Expression): Expression {
  if (first.kind === 'impossible' || rest.kind === 'impossible') return impossible;
  if (first.kind === 'nothing') return rest;
  if (rest.kind === 'nothing') return first;
  if (first.kind === 'sequence') return sequence(first.first, sequence(first.rest, rest));
  return { kind: 'sequence', first, rest, text: `(${first.text}${rest.text})` };
}

export function alternatives(choices: readonly Expression[]): Expression {
  const flat = choices.flatMap((choice) => (choice.kind === 'alternatives' ? choice.choices : [choice]));
  const distinct = new Map(flat.filter(({ kind }) => kind !== 'impossible').map((choice) => [choice.text, choice]));
  if (distinct.has(everything.text)) return everything;
  const sorted = [...distinct.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
  const [only] = sorted;
  if (only === undefined) return impossible;
  if (sorted.length === 1) return only;
  return { kind: 'alternatives', choices: sorted, text: `{${sorted.map(({ text }) => text).join('|')}}` };
}

/** Any number of times, none included. */
export function repeated(of: Expression): Expression {
  if (of.kind === 'impossible' || of.kind === 'nothing') return nothing;
  return of.kind === 'repeated' ? of : { kind: 'repeated', of, text: `${of.text}*` };
}

/** Whatever `of` does not match. */
export function not(of: Expression): Expression {
  return of.kind === 'not' ? of.of : { kind: 'not', of, text: `!${of.text}` };
}

const everything: Expression = not(impossible);

export function matchesEmpty(expression: Expression): boolean {
  switch (expression.kind) {
    case 'impossible':
    case 'letters':
      return false;
    case 'nothing':
    case 'repeated':
      return true;
    case 'sequence':
      return matchesEmpty(expression.first) && matchesEmpty(expression.rest);
    case 'alternatives':
      return expression.choices.some(matchesEmpty);
    case 'not':
      return !matchesEmpty(expression.of);
  }
}

/** What matches the rest of a text that begins with `byte`. */
export function derive(expression: Expression, byte: number): Expression {
  switch (expression.kind) {
    case 'impossible':
    case 'nothing':
      return impossible;
    case 'letters':
      return expression.ranges.some(([low, high]) => low <= byte && byte <= high) ? nothing : impossible;
    case 'sequence': {
      const { first, rest } = expression;
      const through = sequence(derive(first, byte), rest);
      return matchesEmpty(first) ? alternatives([through, derive(rest, byte)]) : through;
    }
    case 'alternatives':
      return alternatives(expression.choices.map((choice) => derive(choice, byte)));
    case 'repeated':
      return sequence(derive(expression.of, byte), expression);
    case 'not':
      return not(derive(expression.of, byte));
  }
}

/** Every range of bytes that the expression names. */
export function rangesOf(expression: Expression): readonly (readonly [number, number])[] {
  switch (expression.kind) {
    case 'impossible':
    case 'nothing':
      return [];
    case 'letters':
      return expression.ranges;
    case 'sequence':
      return [...rangesOf(expression.first), ...rangesOf(expression.rest)];
    case 'alternatives':
      return expression.choices.flatMap(rangesOf);
    case 'repeated':
    case 'not':
      return rangesOf(expression.of);
  }
}
