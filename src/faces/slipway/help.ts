// SPDX-License-Identifier: Apache-2.0
import { renderHelp } from '../../formats/getopt/index.ts';
import { findCommand, rootDescription } from './commands.ts';
import type { CommandContext } from './context.ts';
import { help } from './descriptions/help.ts';
import { readCommandLine } from './read-command-line.ts';
import { unknownCommand } from './unknown-command.ts';

export function run(argv: readonly string[], { environment }: CommandContext): Promise<number> {
  const [word] = readCommandLine(help, argv).operands;
  const description = word === undefined ? rootDescription : findCommand(word)?.description;
  if (description === undefined) throw unknownCommand(word ?? '');
  environment.stdout.write(renderHelp(description, environment.stdout.size().columns));
  return Promise.resolve(0);
}
