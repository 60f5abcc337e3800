// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { systemClock } from './clock.ts';
import { isErrno } from './file-errors.ts';

/** A third of the share of a session that says nothing: behind those who wait for an answer, but not at a standstill. */
const sessionNiceness = 5;
/** The kernel takes one such wish in a tenth of a second from all users together. */
const pauseMs = 150;
const attempts = 5;

/**
 * Puts everything in this process's session behind whoever else wants the processors. nice(1) alone does not where the
 * kernel groups processes by session: it then counts among those of one session only (sched(7), "The autogroup
 * feature"). Nothing happens where there are no such groups.
 */
export async function yieldToOtherSessions(signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await writeFile('/proc/self/autogroup', String(sessionNiceness));
      return;
    } catch (error) {
      if (!isErrno(error, 'EAGAIN') || attempt === attempts) return;
      await systemClock.sleep(pauseMs, signal);
    }
  }
}
