// SPDX-License-Identifier: Apache-2.0
// Where a person's images are, and the site's.
import { posix } from 'node:path';
import { type SarusRepository, sarusRepository } from '../../image/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { SarusSite } from '../../site/index.ts';

/** @throws SlipwayError `sarus-central-missing` */
export function repositoryOf(
  site: SarusSite,
  given: { readonly isCentral: boolean; readonly userName: string; readonly home: string },
): SarusRepository {
  if (given.isCentral) {
    if (site.centralRepository === undefined) throw new SlipwayError('sarus-central-missing', {});
    return sarusRepository(site.centralRepository);
  }
  const base = site.repositoryBase === undefined ? given.home : posix.join(site.repositoryBase, given.userName);
  return sarusRepository(posix.join(base, '.sarus'));
}
