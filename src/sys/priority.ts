// SPDX-License-Identifier: Apache-2.0
import { setPriority } from 'node:os';

/** Lets everything else on this machine go first (nice 10): for work that nobody waits for at a prompt. */
export function lowerPriority(): void {
  try {
    setPriority(10);
  } catch {
    // Where a sandbox forbids it, it works as fast as it may.
  }
}
