// SPDX-License-Identifier: Apache-2.0
import { distrustOfProgram } from '../../launch/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

/**
 * The program in LDCONFIG_PATH. Where the runtime passes the image's variables on, an image may have named it, and what
 * stands in the image's own root may be root's: so only where systems keep it.
 */
export function findLdconfig(inputs: Inputs): string | undefined {
  const path = inputs.environment('LDCONFIG_PATH') ?? '';
  if (path === '') return undefined;
  const reason = /^\/(?:usr\/(?:local\/)?)?s?bin\/ldconfig(?:\.real)?$/.test(path)
    ? distrustOfProgram(path, inputs)
    : 'it is no ldconfig in a directory of the system, such as /sbin';
  if (reason !== undefined) throw new SlipwayError('hook-ldconfig', { path, reason });
  return path;
}
