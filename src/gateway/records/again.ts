// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '../../sys/clock.ts';
import type { Records } from './types.ts';

const pausesMs = [5, 20, 80, 200, 500, 1000, 2000, 3000, 5000] as const;

/** Does `work` again, after growing pauses and some 12 s at most, while it fails in a way that passes. */
export async function again<Result>(passes: (error: unknown) => boolean, work: () => Promise<Result>): Promise<Result> {
  for (const pauseMs of pausesMs) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error)) throw error;
      await systemClock.sleep(pauseMs, new AbortController().signal);
    }
  }
  return await work();
}

/** Records whose every operation is done `again` in this way. Each is one statement or one transaction. */
export function retrying(records: Records, passes: (error: unknown) => boolean): Records {
  const wrapped = Object.entries(records).map(([name, member]) => {
    if (typeof member !== 'function' || name === 'close' || name === 'exportAll') return [name, member];
    const operation = member as (...parameters: unknown[]) => Promise<unknown>;
    return [name, (...parameters: unknown[]) => again(passes, () => operation(...parameters))];
  });
  return Object.fromEntries(wrapped) as Records;
}
