// SPDX-License-Identifier: Apache-2.0
// Time, given to whoever needs it so that tests can give another.
import { setTimeout as sleepFor } from 'node:timers/promises';

export type Clock = {
  /** The time of day. */
  readonly now: () => Date;
  /** Milliseconds from an arbitrary start; never steps back, whatever happens to the time of day. */
  readonly monotonicMs: () => number;
  /** Rejects with the signal's reason when it is aborted first. */
  readonly sleep: (durationMs: number, signal: AbortSignal) => Promise<void>;
};

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: async (durationMs, signal) => {
    try {
      await sleepFor(durationMs, undefined, { signal });
    } catch (error) {
      // Node wraps the reason in an AbortError of its own; the caller's reason says more.
      signal.throwIfAborted();
      throw error;
    }
  },
};
