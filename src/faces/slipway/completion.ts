// SPDX-License-Identifier: Apache-2.0
import { renderBashCompletion, renderZshCompletion } from '../../formats/getopt/index.ts';
import { completionTree } from './commands.ts';
import type { CommandContext } from './context.ts';
import { completion } from './descriptions/completion.ts';
import { readCommandLine, usageError } from './read-command-line.ts';

export function run(argv: readonly string[], { environment }: CommandContext): Promise<number> {
  const [shell = ''] = readCommandLine(completion, argv).operands;
  if (shell !== 'bash' && shell !== 'zsh') {
    throw usageError(completion, `there is no completion for "${shell}", only for bash and zsh`);
  }
  const render = shell === 'bash' ? renderBashCompletion : renderZshCompletion;
  environment.stdout.write(render(completionTree));
  return Promise.resolve(0);
}
