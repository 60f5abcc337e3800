// SPDX-License-Identifier: Apache-2.0

// Long enough to be steady over a registry's pauses, short enough to follow a change.
const windowMs = 5_000;
// Before that, a rate would be noise.
const leastSpanMs = 500;

export type RateMeter = {
  /** Notes that `doneBytes` are done at `atMs` of a monotonic clock. */
  readonly note: (doneBytes: number, atMs: number) => void;
  /** Bytes per second over the last seconds; undefined while too little is known. */
  readonly bytesPerSecond: (atMs: number) => number | undefined;
};

export function createRateMeter(): RateMeter {
  let samples: { readonly doneBytes: number; readonly atMs: number }[] = [];
  return {
    note: (doneBytes, atMs) => {
      const last = samples.at(-1);
      // A few samples a second are enough, however often a blob tells.
      if (samples.length > 1 && last !== undefined && atMs - last.atMs < 100) samples.pop();
      samples.push({ doneBytes, atMs });
    },
    bytesPerSecond: (atMs) => {
      const firstInside = samples.findIndex((sample) => atMs - sample.atMs <= windowMs);
      // The one before the window begins it, so that a stall lowers the rate instead of hiding it.
      samples = firstInside < 0 ? samples.slice(-1) : samples.slice(Math.max(0, firstInside - 1));
      const [first] = samples;
      const last = samples.at(-1);
      if (first === undefined || last === undefined || atMs - first.atMs < leastSpanMs) return undefined;
      return Math.max(0, ((last.doneBytes - first.doneBytes) * 1000) / (atMs - first.atMs));
    },
  };
}
