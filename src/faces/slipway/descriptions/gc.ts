// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, storeVariable } from './common.ts';

export const gc: CommandDescription<'dry-run' | 'older-than' | 'keep-layers' | 'json' | 'help'> = {
  name: 'slipway gc',
  summary: 'make room in the store',
  description: [
    'Removes images that no name points to any more, kept layers that no image has, and what killed pulls have left. Everything that has a name stays, and so does what a pull is working on, on this machine or another.',
    'What goes is printed, one thing a line. With --dry-run nothing goes, and nothing is written.',
  ],
  operands: [],
  options: [
    { long: 'dry-run', short: 'n', argument: 'none', help: 'print what would go' },
    {
      long: 'older-than',
      argument: 'required',
      argumentName: 'AGE',
      help: 'leave images that were converted, and layers that were used, within this time: 12h, 30d; 1d if not said, as jobs may still run in an image that has lost its name',
    },
    {
      long: 'keep-layers',
      argument: 'required',
      argumentName: 'SIZE',
      help: 'let kept layers of images take no more than this, the longest unused going first; 0 for none',
    },
    { long: 'json', argument: 'none', help: 'print one JSON array' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [storeVariable] }],
  examples: [
    { command: 'slipway gc --dry-run', help: 'See what could go' },
    { command: 'slipway gc --older-than 30d --keep-layers 20G', help: 'For a nightly job of a site' },
  ],
};
