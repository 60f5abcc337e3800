// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { formsSection, helpOption, platformOption, siteStoreVariable, storeVariable } from './common.ts';

export const inspect: CommandDescription<'platform' | 'json' | 'help'> = {
  name: 'slipway inspect',
  summary: 'show what an image is made of and says about itself',
  description: [
    'Shows an image of the store: its identity and file, its configuration, its layers and their sizes. Of a squashfs file its format and size are shown.',
    'An image that is in no store is shown from wherever it is, by the forms below; nothing is pulled.',
  ],
  operands: [
    {
      name: 'IMAGE',
      help: 'a name, a digest, or 12 or more digits that begin one; or one of the forms below',
      completion: 'image-or-file',
    },
  ],
  options: [platformOption, { long: 'json', argument: 'none', help: 'print one JSON object' }, helpOption],
  rules: { mode: 'permute' },
  sections: [formsSection, { title: 'Environment variables', items: [storeVariable, siteStoreVariable] }],
  examples: [
    { command: 'slipway inspect debian:12', help: 'Show an image' },
    { command: 'slipway inspect docker://ghcr.io/owner/name:1', help: 'Show an image before it is pulled' },
    { command: 'slipway inspect --json debian:12 | jq .file', help: "Find an image's file" },
  ],
};
