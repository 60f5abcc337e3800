// SPDX-License-Identifier: Apache-2.0
// What a fuzz target is, and the one thing that all hold: a parser ends, and ends with an answer or with a SlipwayError that
// belongs to it.
import { hasCode, type SlipwayError } from '../../src/model/index.ts';
import type { Random } from './random.ts';

export type FuzzTarget = {
  readonly name: string;
  /** One input and all that must hold of it: throws where something does not. Says whether the input was refused. */
  readonly attempt: (random: Random) => Outcome | Promise<Outcome>;
};

export type Outcome = 'accepted' | 'refused';

/** Runs a parser; refused is only what is refused with one of `codes`. */
export function parse<Value>(
  codes: readonly SlipwayError['code'][],
  work: () => Value,
): { readonly value: Value } | { readonly refusal: SlipwayError } {
  try {
    return { value: work() };
  } catch (error) {
    if (hasCode(error, ...codes)) return { refusal: error };
    throw error;
  }
}

/** A reason is for people; faces take the controls out of it when they show it. */
export function checkMessage({ message }: SlipwayError): void {
  if (message.length > 2000) throw new Error(`a message has ${message.length} characters`);
}
