// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption } from './common.ts';

export const config: CommandDescription<'help'> = {
  name: 'slipway config',
  summary: "check a site's configuration file",
  description: [
    'Reads FILE as the commands that use it do, and lists all that is wrong with it, each with its line. What the file is, its name tells: udiRoot.conf is Shifter’s.',
    'The exit status is 0 if the file can be used and 1 if not; lines that begin with "note" name what does nothing.',
  ],
  usage: ['check FILE'],
  operands: [
    { name: 'check', help: 'the only thing to be done yet', completion: ['check'] },
    { name: 'FILE', help: 'the configuration file', completion: 'file' },
  ],
  options: [helpOption],
  rules: { mode: 'permute' },
  examples: [{ command: 'slipway config check /etc/shifter/udiRoot.conf', help: 'Before the file reaches the nodes' }],
};
