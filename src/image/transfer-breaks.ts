// SPDX-License-Identifier: Apache-2.0
// How patient a transfer of a blob is that breaks off now and then, in whichever direction: it goes on where it was, and only
// failures in a row without progress count.

/** So many failures without progress in between end a transfer. */
export const mostTransferFailures = 5;

const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * The pause after the given count of failures in a row, from 1: twice as long each time.
 * @param share of it that is waited, 0 to 1: random where many may have been interrupted together
 */
export function pauseMs(failures: number, share = 1): number {
  return Math.round(Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1)) * share);
}
