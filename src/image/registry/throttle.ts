// SPDX-License-Identifier: Apache-2.0
// A limit on how fast bytes are taken from several streams together: each piece waits until those before it have had
// their time. What is not taken stays in the kernel's buffers, and TCP slows the sender down.
import { pipeline, type Readable, Transform } from 'node:stream';
import type { Clock } from '../../sys/clock.ts';

export type Throttle = (body: Readable) => Readable;

/** Time that was not used is not saved up, beyond this. */
const burstMs = 250;

/** @param bytesPerSecond more than 0 */
export function createThrottle(bytesPerSecond: number, clock: Clock): Throttle {
  /** When everything that was let through will have had its time. */
  let paidUntilMs = Number.NEGATIVE_INFINITY;
  return (body) => {
    const stop = new AbortController();
    const slow = new Transform({
      transform: (chunk: Buffer, _encoding, callback) => {
        const nowMs = clock.monotonicMs();
        paidUntilMs = Math.max(paidUntilMs, nowMs - burstMs) + (chunk.length / bytesPerSecond) * 1000;
        const waitMs = paidUntilMs - nowMs;
        if (waitMs <= 0) return callback(null, chunk);
        const pass = async (): Promise<void> => {
          try {
            await clock.sleep(waitMs, stop.signal);
          } catch {
            // Nobody waits for this piece any more.
            return;
          }
          callback(null, chunk);
        };
        void pass();
      },
    });
    pipeline(body, slow, () => stop.abort());
    // As with the body itself: who reads gets the error from the stream.
    slow.on('error', () => undefined);
    return slow;
  };
}
