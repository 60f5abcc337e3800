// SPDX-License-Identifier: Apache-2.0
// Apart from clock.ts, whose timers are not loaded where a plan is made.

/** Nanoseconds since 1970, as file systems and the launcher count them. Millisecond steps are enough to compare ages. */
export function wallClockNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
