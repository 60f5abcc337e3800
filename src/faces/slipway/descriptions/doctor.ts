// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, storeVariable } from './common.ts';

export const doctor: CommandDescription<'json' | 'quiet' | 'help'> = {
  name: 'slipway doctor',
  summary: 'examine this machine and say what is missing',
  description: [
    'Looks at the kernel, user namespaces, FUSE, squashfs, the image store, limits and the cluster, and says for each lack what you and what an administrator can do. Changes nothing.',
    'The exit status is 0 if everything will work, perhaps with limits, and 1 if something is missing.',
  ],
  usage: ['[OPTION...]', '[OPTION...] mpi IMAGE'],
  operands: [
    {
      name: 'mpi',
      help: "tell, library by library, what would become of an image's MPI if the host's took its place",
      isOptional: true,
      completion: ['mpi'],
    },
    { name: 'IMAGE', help: 'the image', isOptional: true, completion: 'image' },
  ],
  options: [
    { long: 'json', argument: 'none', help: 'print one JSON array of findings' },
    { long: 'quiet', short: 'q', argument: 'none', help: 'show only what is not as it should be' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [storeVariable] }],
  examples: [
    { command: 'srun -N1 slipway doctor', help: 'Examine a compute node' },
    { command: 'slipway doctor mpi debian:11', help: "Ask whether the host's MPI fits an image" },
  ],
};
