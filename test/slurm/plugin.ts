// SPDX-License-Identifier: Apache-2.0
// The Slurm plugin of the Slipway under test.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { slipwayPrefix } from '../support/prefix.ts';

/** For plugstack.conf. */
export async function slurmPlugin(): Promise<string> {
  const path = join(await slipwayPrefix(), 'lib/slipway/shifter_slurm.so');
  if (!existsSync(path)) throw new Error(`${path} is missing: was scripts/build run with Slurm's headers there?`);
  return path;
}
