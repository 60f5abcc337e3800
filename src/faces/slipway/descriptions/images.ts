// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { filterHelp } from '../image-filters.ts';
import { helpOption, siteStoreVariable, storeVariable } from './common.ts';

export const images: CommandDescription<'filter' | 'site' | 'usage' | 'digests' | 'quiet' | 'json' | 'help'> = {
  name: 'slipway images',
  summary: 'list the images in the store',
  description: [
    'On a terminal a table. Elsewhere one image a line with a tab between values: full name, digest, platform, bytes and time of the pull (RFC 3339).',
    'An image whose name has come to mean a newer one is listed without a name; `slipway rm --untagged` removes those.',
  ],
  operands: [],
  options: [
    {
      long: 'filter',
      short: 'f',
      argument: 'required',
      argumentName: 'KEY=VALUE',
      help: 'list only images that meet this; if repeated, all of them',
    },
    { long: 'site', argument: 'none', help: "list the site's images, which everybody can run, instead of your own" },
    { long: 'usage', argument: 'none', help: 'print instead how much room the store takes, and whose files it is' },
    { long: 'digests', argument: 'none', help: 'show whole digests on a terminal too' },
    { long: 'quiet', short: 'q', argument: 'none', help: 'print names only, or the digest of what has none' },
    { long: 'json', argument: 'none', help: 'print one JSON array with all that is known about each' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [
    { title: 'Filters', items: filterHelp.map(([term, help]) => ({ term, help })) },
    { title: 'Environment variables', items: [storeVariable, siteStoreVariable] },
  ],
  examples: [
    {
      command: "slipway images --filter 'reference=ghcr.io/**' --filter before=30d -q",
      help: 'What is old of one registry',
    },
    { command: 'slipway images --json', help: 'List images for a program' },
  ],
};
