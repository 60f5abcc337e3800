// SPDX-License-Identifier: Apache-2.0
import {
  type CommandDescription,
  describeGetoptError,
  type ParsedArguments,
  parseArguments,
} from '../../formats/getopt/index.ts';
import { SlipwayError } from '../../model/index.ts';

export type CommandLine<Name extends string> = ParsedArguments<Name> & {
  readonly has: (name: Name) => boolean;
  /** The last argument given, as the later of two equal options decides. */
  readonly value: (name: Name) => string | undefined;
  /** The arguments of an option that may be repeated. */
  readonly values: (name: Name) => readonly string[];
};

/**
 * Reads a subcommand's words by its description, and checks how many operands there are.
 * @throws SlipwayError `usage`.
 */
export function readCommandLine<Name extends string>(
  command: CommandDescription<Name>,
  argv: readonly string[],
): CommandLine<Name> {
  const parsed = parseArguments(command.options, argv, command.rules);
  if (!parsed.ok) throw usageError(command, describeGetoptError(parsed.error));
  const missing = command.operands[parsed.operands.length];
  if (missing !== undefined && missing.isOptional !== true) {
    // One word satisfies a repeated operand; it stands last.
    const choices = Array.isArray(missing.completion) ? `: one of ${missing.completion.join(', ')}` : '';
    throw usageError(command, `${missing.name} is missing${choices}`);
  }
  const extra = command.operands.at(-1)?.isRepeated === true ? undefined : parsed.operands[command.operands.length];
  if (extra !== undefined) throw usageError(command, `unexpected argument "${extra}"`);
  return {
    ...parsed,
    has: (name) => parsed.options.some((given) => given.name === name),
    values: (name) => parsed.options.flatMap((given) => (given.name === name ? [given.value ?? ''] : [])),
    value: (name) => parsed.options.findLast((given) => given.name === name)?.value,
  };
}

/** The error for a command line that can be read but makes no sense. */
export function usageError(command: CommandDescription, reason: string): SlipwayError {
  return new SlipwayError('usage', { command: command.name, reason });
}
