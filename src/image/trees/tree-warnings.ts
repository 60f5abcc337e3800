// SPDX-License-Identifier: Apache-2.0
import { createWarningCounts, type WarningCounts } from '../warning-counts.ts';

const texts = {
  'devices-dropped': 'device files are left out: an unprivileged mount can not use them',
  'sockets-dropped': 'sockets are left out: they mean nothing without the program that made them',
  'fifos-dropped': 'named pipes are left out',
  'xattrs-dropped': 'extended attributes (capabilities, user attributes, ACLs) are left out',
  'setuid-dropped': 'set-user-ID and set-group-ID bits are left out',
  'owners-dropped': 'owners are left out: only root can give files away',
  'whiteouts-dropped': 'files with names that begin with .wh. are left out: in a layer they would remove others',
} as const;

export type TreeWarnings = WarningCounts<keyof typeof texts>;

export function createTreeWarnings(): TreeWarnings {
  return createWarningCounts(texts);
}
