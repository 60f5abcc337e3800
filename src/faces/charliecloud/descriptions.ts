// SPDX-License-Identifier: Apache-2.0
// Every command of the family, for its documentation.
import type { CommandDescription } from '../../formats/getopt/index.ts';
import { chConvert } from './ch-convert/description.ts';
import { chFromhost } from './ch-fromhost/description.ts';
import { chImage } from './ch-image/description.ts';
import { chRun } from './ch-run/description.ts';
import { chCheckns, chTest } from './ch-test/descriptions.ts';
import { wrapperDescriptions } from './wrappers/descriptions.ts';

export const charliecloudCommands: readonly CommandDescription[] = [
  chRun,
  chConvert,
  chFromhost,
  chImage,
  chCheckns,
  chTest,
  ...wrapperDescriptions,
];
