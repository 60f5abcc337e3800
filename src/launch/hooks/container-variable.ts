// SPDX-License-Identifier: Apache-2.0
import { isMachinesRoot } from '../../sys/drop-privilege.ts';
import { readFileIfPresentSync } from '../../sys/files.ts';
import type { HookBundle } from './bundle.ts';

const maxEnvironmentBytes = 4 << 20;

/**
 * A variable of the container: as its configuration says, else as the process has it that a person started. One bundle
 * may serve all ranks, and says nothing of what each rank has for itself. Root looks at no process: with a pid namespace
 * of the container's own, the runtime's number is another one's here.
 */
export function containerVariable(bundle: HookBundle, name: string): string | undefined {
  const find = (variables: readonly string[]): string | undefined =>
    variables.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  const own = find(bundle.environment);
  if (own !== undefined || bundle.pid === 0 || isMachinesRoot()) return own;
  try {
    const bytes = readFileIfPresentSync(`/proc/${bundle.pid}/environ`, { maxBytes: maxEnvironmentBytes });
    return bytes === undefined ? undefined : find(bytes.toString('utf8').split('\0'));
  } catch {
    // It has ended, or is somebody else's.
    return undefined;
  }
}
