// SPDX-License-Identifier: Apache-2.0
// How much one caller may ask for: a bucket that fills at a steady rate (RFC 6585's 429 where it is empty).
import type { Clock } from '../../sys/clock.ts';
import { Refusal } from '../auth/session.ts';

export type RateLimit = {
  /** @throws Refusal (429) where the caller has used up what there is. */
  readonly take: (caller: string, perMinute: number) => void;
};

const mostCallers = 50_000;

export function createRateLimit(clock: Clock): RateLimit {
  const buckets = new Map<string, { left: number; atMs: number }>();
  return {
    take: (caller, perMinute) => {
      const now = clock.monotonicMs();
      if (buckets.size > mostCallers) buckets.clear();
      const bucket = buckets.get(caller) ?? { left: perMinute, atMs: now };
      bucket.left = Math.min(perMinute, bucket.left + ((now - bucket.atMs) / 60_000) * perMinute);
      bucket.atMs = now;
      buckets.set(caller, bucket);
      if (bucket.left < 1) {
        throw new Refusal('Too many requests', { status: 429, reason: `more than ${perMinute} requests a minute` });
      }
      bucket.left -= 1;
    },
  };
}
