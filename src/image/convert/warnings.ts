// SPDX-License-Identifier: Apache-2.0
import { createWarningCounts as createCounts, type WarningCounts as Counts } from '../warning-counts.ts';

const texts = {
  'devices-dropped': 'device files are left out: an unprivileged mount can not use them',
  'xattrs-dropped': 'extended attributes (capabilities, user attributes, ACLs) are left out',
  'files-replaced': 'files under /etc that could not be mounted over are replaced by empty ones',
  'names-ignored': 'entries below names that begin with .wh. are left out',
} as const;

export type WarningCode = keyof typeof texts;
export type WarningCounts = Counts<WarningCode>;

export function createWarningCounts(): WarningCounts {
  return createCounts(texts);
}
