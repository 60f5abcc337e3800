// SPDX-License-Identifier: Apache-2.0
// Programs that root runs because a variable or a file names them: only where nobody but root can have put them there.
import type { Inputs } from '../../sys/inputs.ts';
import { distrustOf } from '../../sys/trust.ts';

/** Why `path` must not be run as root, or undefined: it, and each directory above it, is root's alone to change. */
export function distrustOfProgram(path: string, inputs: Inputs): string | undefined {
  if (!path.startsWith('/')) return 'it is no absolute path';
  const real = inputs.realPath(path);
  if (real === undefined) return 'there is no such file';
  if (inputs.kindOf(real) !== 'file') return 'it is no file';
  return distrustOf(real);
}
