// SPDX-License-Identifier: Apache-2.0
// What Charliecloud's commands other than ch-run have in common: how they read options, speak and end.
import {
  type CommandDescription,
  describeGetoptError,
  type GivenOption,
  type OptionTable,
  parseArguments,
  renderHelp,
  renderUsage,
} from '../../formats/getopt/index.ts';
import { describeError, SlipwayError } from '../../model/index.ts';
import { build } from '../terminal/build.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { printable } from '../terminal/printable.ts';
import { supervise } from '../terminal/supervise.ts';

export type CommandLine<Name extends string> = {
  readonly options: readonly GivenOption<Name>[];
  readonly operands: readonly string[];
  readonly has: (name: Name) => boolean;
  /** The last one given. */
  readonly value: (name: Name) => string | undefined;
};

export type Command<Name extends string> = {
  readonly description: CommandDescription<Name>;
  /** How many operands it takes. */
  readonly operands: { readonly least: number; readonly most: number };
  readonly run: (line: CommandLine<Name>, context: CommandContext) => Promise<number>;
};

export type CommandContext = { readonly environment: FaceEnvironment; readonly signal: AbortSignal };

export type CommonOption = 'help' | 'version';

export const commonOptions: OptionTable<CommonOption> = [
  { long: 'help', short: 'h', argument: 'none', help: 'print help and exit' },
  { long: 'version', argument: 'none', help: 'print version and exit' },
];

const failure = 1;

/** Runs a command of the family; its failures are `error: TEXT` and status 1. Never rejects. */
export async function runCommand<Name extends string>(
  command: Command<Name>,
  argv: readonly string[],
  environment: FaceEnvironment,
): Promise<number> {
  const { description } = command;
  return await supervise(description.name, environment, async (signal) => {
    const parsed = parseArguments(description.options, argv, description.rules);
    const given = parsed.options as readonly GivenOption<Name | 'help' | 'version'>[];
    const ending = given.find(({ name }) => name === 'help' || name === 'version');
    if (ending !== undefined) {
      const text =
        ending.name === 'version' ? `${build.version}\n` : renderHelp(description, environment.stdout.size().columns);
      environment.stdout.write(text);
      return 0;
    }
    const { least, most } = command.operands;
    if (!parsed.ok || parsed.operands.length < least || parsed.operands.length > most) {
      if (!parsed.ok) environment.stderr.write(`error: ${printable(describeGetoptError(parsed.error))}\n`);
      environment.stderr.write(renderUsage(description, environment.stderr.size().columns));
      environment.stderr.write(`Try \`${description.name} --help' for more information.\n`);
      return failure;
    }
    const { options } = parsed;
    const line: CommandLine<Name> = {
      options,
      operands: parsed.operands,
      has: (name) => options.some((option) => option.name === name),
      value: (name) => options.findLast((option) => option.name === name)?.value,
    };
    try {
      return await command.run(line, { environment, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SlipwayError)) throw error;
      environment.stderr.write(`error: ${printable(describeError(error))}\n`);
      if (error.hint !== undefined) environment.stderr.write(`  hint: ${printable(error.hint)}\n`);
      return failure;
    }
  });
}
