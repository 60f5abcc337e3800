// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption } from './common.ts';

export const completion: CommandDescription<'help'> = {
  name: 'slipway completion',
  summary: 'print a script that completes slipway commands in a shell',
  description: ['Installed packages have these scripts already; this is for other installations.'],
  operands: [{ name: 'SHELL', help: 'bash or zsh', completion: ['bash', 'zsh'] }],
  options: [helpOption],
  rules: { mode: 'permute' },
  examples: [
    { command: 'source <(slipway completion bash)', help: 'In ~/.bashrc' },
    { command: 'source <(slipway completion zsh)', help: 'In ~/.zshrc, after compinit' },
  ],
};
