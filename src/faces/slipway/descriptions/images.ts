// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, storeVariable } from './common.ts';

export const images: CommandDescription<'digests' | 'quiet' | 'json' | 'help'> = {
  name: 'slipway images',
  summary: 'list the images in the store',
  description: [
    'On a terminal a table. Elsewhere one image a line with a tab between values: full name, digest, platform, bytes and time of the pull (RFC 3339).',
    'An image whose name has come to mean a newer one is listed without a name; `slipway rm --untagged` removes those.',
  ],
  operands: [],
  options: [
    { long: 'digests', argument: 'none', help: 'show whole digests on a terminal too' },
    { long: 'quiet', short: 'q', argument: 'none', help: 'print names only, or the digest of what has none' },
    { long: 'json', argument: 'none', help: 'print one JSON array with all that is known about each' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [storeVariable] }],
  examples: [{ command: 'slipway images --json', help: 'List images for a program' }],
};
