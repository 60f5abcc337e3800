// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { createThrottle } from './throttle.ts';

/** A clock that moves only while somebody sleeps. */
function steppingClock(): { readonly clock: Parameters<typeof createThrottle>[1]; readonly nowMs: () => number } {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    clock: {
      now: () => new Date(nowMs),
      monotonicMs: () => nowMs,
      sleep: (durationMs) => {
        nowMs += durationMs;
        return Promise.resolve();
      },
    },
  };
}

const pieces = (count: number): Readable => Readable.from(Array.from({ length: count }, () => Buffer.alloc(1000, 7)));

test('streams take together as long as the limit says, and every byte passes', async () => {
  const { clock, nowMs } = steppingClock();
  const throttle = createThrottle(10_000, clock);
  const all = await Promise.all([buffer(throttle(pieces(40))), buffer(throttle(pieces(60)))]);
  assert.deepEqual(
    all.map(({ length }) => length),
    [40_000, 60_000],
  );
  assert.ok(nowMs() >= 9_500 && nowMs() <= 10_500, String(nowMs()));
});

test('a stream that breaks is broken behind the limit, one that is left is destroyed', async () => {
  const throttle = createThrottle(1e9, steppingClock().clock);
  const source = new PassThrough();
  const slow = throttle(source);
  source.write('x');
  source.destroy(new Error('cut'));
  await assert.rejects(buffer(slow), /cut/);
  const left = pieces(100);
  const behind = throttle(left);
  behind.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(left.destroyed);
});
