// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, storeVariable } from './common.ts';

export const fsck: CommandDescription<'quick' | 'repair' | 'json' | 'help'> = {
  name: 'slipway fsck',
  summary: 'check the store for damage',
  description: [
    'Reads every record, every image and every kept layer, and prints what is damaged, incomplete or leads nowhere, one fault a line. What is being pulled meanwhile is left out.',
    'An image has no checksums of its own: the first check notes one, and later ones show what has changed since.',
    'With --repair, what is damaged is removed, with the names that led to it: pull those images again. Files that are no part of a store are told of and left.',
    'The exit status is 0 where the store is without fault, or has been repaired, and 4 where faults are left.',
  ],
  operands: [],
  options: [
    { long: 'quick', argument: 'none', help: 'look at records and lengths only, not into images and layers' },
    { long: 'repair', argument: 'none', help: 'remove what is damaged' },
    { long: 'json', argument: 'none', help: 'print one JSON array' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [storeVariable] }],
  examples: [{ command: 'slipway fsck --repair', help: 'After a disk has failed' }],
};
