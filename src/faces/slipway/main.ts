// SPDX-License-Identifier: Apache-2.0
// The `slipway` command: its own options, and finding the subcommand.
import { describeGetoptError, parseArguments, renderHelp } from '../../formats/getopt/index.ts';
import { planFormatVersion, SlipwayError } from '../../model/index.ts';
import type { FaceEnvironment, OutputStream } from '../terminal/environment.ts';
import { supervise } from '../terminal/supervise.ts';
import { build } from '../terminal/build.ts';
import { type Command, findCommand, rootDescription } from './commands.ts';
import type { CommandContext } from './context.ts';
import { slipway } from './descriptions/slipway.ts';
import { unknownCommand } from './unknown-command.ts';

/** Runs `slipway` with the words after its name, and gives the exit status. Never rejects: failures go to stderr. */
export async function main(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await supervise('slipway', environment, (signal, control) =>
    dispatch(argv, { environment, signal, ...control }),
  );
}

async function dispatch(argv: readonly string[], context: CommandContext): Promise<number> {
  const { stdout, stderr } = context.environment;
  const parsed = parseArguments(slipway.options, argv, slipway.rules);
  const [first] = parsed.options;
  if (first !== undefined) {
    stdout.write(first.name === 'version' ? versionText() : helpText(undefined, stdout));
    return 0;
  }
  if (!parsed.ok) {
    throw new SlipwayError('usage', { command: slipway.name, reason: describeGetoptError(parsed.error) });
  }
  const [word, ...rest] = parsed.operands;
  if (word === undefined) {
    stderr.write(helpText(undefined, stderr));
    return 2;
  }
  const command = findCommand(word);
  if (command === undefined) throw unknownCommand(word);
  if (isHelpWanted(command, rest)) {
    stdout.write(helpText(command, stdout));
    return 0;
  }
  const { run } = await command.load();
  return await run(rest, context);
}

/** Whether --help stands among the subcommand's options, before anything that can't be read. */
function isHelpWanted({ description }: Command, argv: readonly string[]): boolean {
  const parsed = parseArguments(description.options, argv, description.rules);
  return parsed.options.some((given) => given.name === 'help');
}

function helpText(command: Command | undefined, stream: OutputStream): string {
  return renderHelp(command?.description ?? rootDescription, stream.size().columns);
}

function versionText(): string {
  return `slipway ${build.version}\nbuild ${build.id}\nnode ${process.versions.node}\nplan format ${planFormatVersion}\n`;
}
