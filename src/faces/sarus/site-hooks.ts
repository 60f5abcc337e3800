// SPDX-License-Identifier: Apache-2.0
import { type HookFile, readSarusHooks, type SarusSite } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

/** All hooks that a site has configured. @throws SlipwayError `hook-file` */
export function siteHooks(site: SarusSite, inputs: Inputs): readonly HookFile[] {
  return site.hooksDirectory === undefined ? [] : readSarusHooks(site.hooksDirectory, site.checksOwners, inputs);
}
