// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, storeVariable } from './common.ts';

export const rm: CommandDescription<'untagged' | 'quiet' | 'help'> = {
  name: 'slipway rm',
  summary: 'remove images from the store',
  description: [
    'Removes names, and with its last name an image; or by its digest an image with all its names. Programs that run from it go on.',
    'What was removed is printed, one name or digest a line.',
  ],
  usage: ['[OPTION...] IMAGE...', '--untagged'],
  operands: [
    {
      name: 'IMAGE',
      help: 'a name, a digest, or 12 or more digits that begin one',
      isRepeated: true,
      isOptional: true,
      completion: 'image',
    },
  ],
  options: [
    {
      long: 'untagged',
      argument: 'none',
      help: 'remove all images without a name, and what killed pulls have left behind',
    },
    { long: 'quiet', short: 'q', argument: 'none', help: 'say nothing about it' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [storeVariable] }],
  examples: [{ command: 'slipway rm debian:11 debian:12', help: 'Remove two images' }],
};
