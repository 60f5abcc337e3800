// SPDX-License-Identifier: Apache-2.0
// The Slurm plugin of the Slipway under test, and what jobs with Shifter's containers need of a machine.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { siteCommands } from '../shifter/site.ts';
import { needs } from '../support/needs.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { slurmCommands } from '../support/slurm.ts';

/** A sign of Slurm's headers, without which the plugin is not built. */
export const pluginHeader = '/usr/include/slurm/spank.h';

/** For plugstack.conf. */
export async function slurmPlugin(): Promise<string> {
  const path = join(await slipwayPrefix(), 'lib/slipway/shifter_slurm.so');
  if (!existsSync(path)) throw new Error(`${path} is missing: was scripts/build run with Slurm's headers there?`);
  return path;
}

/** `skip` of tests of Shifter's containers in jobs; with further commands, as `needs` has them. */
export function shifterJobsNeed(...commands: readonly string[]): string | false {
  return needs({
    commands: [...slurmCommands, ...siteCommands, pluginHeader, ...commands],
    root: true,
    userNamespaces: true,
    fuse: true,
    loopSquashfs: true,
  });
}
