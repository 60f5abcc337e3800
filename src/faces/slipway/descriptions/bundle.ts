// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';

export const bundle: CommandDescription<'help'> = {
  name: 'slipway bundle',
  summary: 'write what a run would do as an OCI bundle, for runc or crun',
  description: [
    'Plans `slipway run` with the same words, and writes DIRECTORY with config.json and, unless the image is a directory, its files. `runc run --bundle DIRECTORY NAME` then runs the same program with the same mounts, variables and directory.',
    'Variables and the working directory are those of now. An ordinary user gets a rootless bundle.',
  ],
  usage: ['DIRECTORY run [OPTION...] IMAGE [--] [COMMAND [ARG...]]'],
  operands: [
    { name: 'DIRECTORY', help: 'the bundle, which must not exist', completion: 'directory' },
    { name: 'run', help: 'the command that is written down' },
    { name: 'IMAGE', help: 'as for slipway run', completion: 'image-or-file' },
    { name: 'COMMAND', help: 'as for slipway run', isOptional: true, isRepeated: true },
  ],
  options: [{ long: 'help', short: 'h', argument: 'none', help: 'print this and end' }],
  rules: { mode: 'stop-at-operand', leadingOperands: 2 },
  examples: [
    {
      command: 'slipway bundle b run debian:12 -- id && runc run --bundle b one',
      help: 'Run the same container by another runtime',
    },
  ],
};
