// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, siteStoreVariable, storeVariable } from './common.ts';

export const inspect: CommandDescription<'json' | 'help'> = {
  name: 'slipway inspect',
  summary: 'show what an image is made of and says about itself',
  description: [
    'Shows an image of the store: its identity and file, its configuration, its layers and their sizes. Of a squashfs file its format and size are shown.',
    'What has a / at its start or after a . or .. at its start, or ends in .squashfs, .sqfs, .sqsh or .squash, is taken for a file.',
  ],
  operands: [
    {
      name: 'IMAGE|FILE',
      help: 'a name, a digest, or 12 or more digits that begin one; or a file',
      completion: 'image-or-file',
    },
  ],
  options: [{ long: 'json', argument: 'none', help: 'print one JSON object' }, helpOption],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [storeVariable, siteStoreVariable] }],
  examples: [
    { command: 'slipway inspect debian:12', help: 'Show an image' },
    { command: 'slipway inspect --json debian:12 | jq .file', help: "Find an image's file" },
  ],
};
