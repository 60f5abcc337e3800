// SPDX-License-Identifier: Apache-2.0
// The `sarus` command with its subcommands, as pages and completions are made from it.
import type { CommandDescription, CompletionTree } from '../../formats/getopt/index.ts';
import * as descriptions from './descriptions/commands.ts';
import { run } from './descriptions/run.ts';

/** In the order of `sarus --help`. */
export const sarusCommands: Readonly<Record<string, CommandDescription>> = {
  'explain': descriptions.explain,
  'hooks': descriptions.hooks,
  'images': descriptions.images,
  'load': descriptions.load,
  'pull': descriptions.pull,
  'rmi': descriptions.rmi,
  'run': run,
  'ssh-keygen': descriptions.sshKeygen,
  'version': descriptions.version,
  'help': descriptions.help,
};

export const overview: CommandDescription = {
  name: 'sarus',
  summary: 'containers for supercomputers, with the commands of Sarus',
  description: ['Pulls images, and runs programs in them with what the site adds to containers.'],
  usage: ['[--help | --version] [--debug | --verbose] COMMAND [ARG...]'],
  operands: [],
  options: [
    { long: 'help', short: 'h', argument: 'none', help: 'say what commands there are' },
    { long: 'version', short: 'v', argument: 'none', help: 'say which version this is' },
    { long: 'debug', argument: 'none', help: 'hooks are told to say all that they do' },
    { long: 'verbose', argument: 'none', help: 'hooks are told to say more' },
  ],
  rules: { mode: 'stop-at-operand' },
  subcommands: Object.entries(sarusCommands).map(([name, { summary }]) => ({ name, summary })),
  examples: [{ command: 'sarus help run', help: 'Explain a command' }],
};

export const sarusTree: CompletionTree = {
  command: overview,
  subcommands: Object.values(sarusCommands),
  listImages: ['sarus', 'images'],
};
