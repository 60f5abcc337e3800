// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { type CommonOption, commonOptions } from '../command.ts';

export const chCheckns: CommandDescription<CommonOption> = {
  name: 'ch-checkns',
  summary: 'check what ch-run needs: user and mount namespaces, binds and pivot_root',
  description: ['Prints ok where containers can be run; otherwise what failed, and what can be done about it.'],
  operands: [],
  options: commonOptions,
  rules: { mode: 'permute' },
  examples: [{ command: 'ch-checkns', help: 'Is this machine ready?' }],
};

export type ChTestOption = 'scope' | CommonOption;

export const chTest: CommandDescription<ChTestOption> = {
  name: 'ch-test',
  summary: 'check that images can be made and run on this machine',
  description: [
    'Makes a small image, converts it through all formats, and runs it in each. Nothing is kept. PHASE is build (conversions), run, all (the default) or clean.',
  ],
  usage: ['[-s SCOPE] [PHASE]'],
  operands: [
    { name: 'PHASE', help: 'what is to be checked', isOptional: true, completion: ['all', 'build', 'clean', 'run'] },
  ],
  options: [
    {
      long: 'scope',
      short: 's',
      argument: 'required',
      argumentName: 'SCOPE',
      help: 'quick, the only one that is there',
      completion: ['quick'],
    },
    ...commonOptions,
  ],
  rules: { mode: 'permute' },
  examples: [{ command: 'ch-test', help: 'Check everything' }],
};
