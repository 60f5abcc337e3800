// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, siteStoreVariable, storeVariable } from './common.ts';

/** The command itself; its subcommands are added from the table in commands.ts. */
export const slipway: CommandDescription<'version' | 'help'> = {
  name: 'slipway',
  summary: 'container images and software environments for supercomputers',
  description: [
    'Pulls container images, converts each once into a single file, and runs programs in them without privilege.',
  ],
  usage: ['COMMAND [ARG...]', '--help | --version'],
  operands: [],
  options: [
    helpOption,
    { long: 'version', short: 'V', argument: 'none', help: 'print the version and what it was built from' },
  ],
  rules: { mode: 'stop-at-operand' },
  sections: [
    {
      title: 'Environment variables',
      items: [
        storeVariable,
        siteStoreVariable,
        { term: 'SLIPWAY_DEBUG', help: 'if set, errors tell where in the program they arose' },
        { term: 'NO_COLOR', help: 'if set, nothing is coloured' },
      ],
    },
    {
      title: 'Exit status',
      items: [
        { term: '0', help: 'all went well' },
        { term: '2', help: 'the command line could not be understood' },
        { term: '125', help: 'Slipway failed; of a program that was run, the status is its own' },
        { term: '128+N', help: 'signal N ended it' },
      ],
    },
  ],
  examples: [
    { command: 'slipway pull debian:12', help: 'Bring an image into the store' },
    { command: 'slipway help pull', help: 'Read about a command' },
  ],
};
