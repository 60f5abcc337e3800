// SPDX-License-Identifier: Apache-2.0
// The words of one of sarus's commands. Options end at the first word that is none; one that has a single value may be
// given once.
import { type CommandDescription, describeGetoptError, parseArguments } from '../../formats/getopt/index.ts';
import { SlipwayError } from '../../model/index.ts';

export type Line<Name extends string> = {
  readonly operands: readonly string[];
  readonly has: (name: Name) => boolean;
  readonly value: (name: Name) => string | undefined;
  readonly values: (name: Name) => readonly string[];
  /** Words up to the program to be run. */
  readonly consumed: number;
};

const repeatable: ReadonlySet<string> = new Set(['annotation', 'device', 'env', 'mount']);

/** @throws SlipwayError `sarus-usage` */
export function readLine<Name extends string>(command: CommandDescription<Name>, words: readonly string[]): Line<Name> {
  const fail = (reason: string): SlipwayError => usageError(command, reason);
  const parsed = parseArguments(command.options, words, command.rules);
  if (!parsed.ok) throw fail(describeGetoptError(parsed.error));
  for (const { name, option } of parsed.options) {
    const isTwice = parsed.options.filter((other) => other.name === name).length > 1;
    if (isTwice && option.argument === 'required' && !repeatable.has(name)) throw fail(`--${name} is given twice`);
  }
  const required = command.operands.filter(({ isOptional }) => isOptional !== true).length;
  if (parsed.operands.length < required) throw fail('too few arguments');
  const isOpen = command.operands.at(-1)?.isRepeated === true;
  if (!isOpen && parsed.operands.length > command.operands.length) throw fail('too many arguments');
  const values = (name: Name): readonly string[] =>
    parsed.options.flatMap((given) => (given.name === name ? [given.value ?? ''] : []));
  return {
    operands: parsed.operands,
    has: (name) => parsed.options.some((given) => given.name === name),
    value: (name) => values(name).at(-1),
    values,
    consumed: parsed.consumed,
  };
}

export function usageError(command: CommandDescription, reason: string): SlipwayError {
  const topic = command.name.slice('sarus '.length);
  return new SlipwayError('sarus-usage', { command: command.name, reason, topic });
}
