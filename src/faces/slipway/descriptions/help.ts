// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption } from './common.ts';

export const help: CommandDescription<'help'> = {
  name: 'slipway help',
  summary: 'explain a command',
  description: ['Prints what COMMAND does and its options, or without one what commands there are.'],
  operands: [{ name: 'COMMAND', help: 'which', isOptional: true }],
  options: [helpOption],
  rules: { mode: 'permute' },
  examples: [{ command: 'slipway help run', help: 'Read about one command' }],
};
