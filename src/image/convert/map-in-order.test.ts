// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapInOrder } from './map-in-order.ts';

test('results are finished in order, and no more than the width is ahead', async () => {
  let running = 0;
  let most = 0;
  const finished: number[] = [];
  await mapInOrder([30, 1, 10, 1, 1], 2, {
    start: async (delayMs) => {
      running += 1;
      most = Math.max(most, running);
      await sleep(delayMs);
      running -= 1;
      return delayMs;
    },
    finish: (delayMs, position) => finished.push(position * 100 + delayMs),
  });
  assert.deepEqual(finished, [30, 101, 210, 301, 401]);
  assert.equal(most, 2);
});

test('the first failure stops the others, which are waited for, and is thrown', async () => {
  for (const failing of [0, 1]) {
    const stopped: number[] = [];
    const run = mapInOrder([0, 1, 2], 2, {
      start: async (item, stop) => {
        if (item === failing) throw new Error(`${item} failed`);
        await assert.rejects(sleep(60_000, undefined, { signal: stop }));
        await sleep(1);
        stopped.push(item);
        throw new Error(`${item} was stopped`);
      },
      finish: () => assert.fail('nothing is to be finished'),
    });
    await assert.rejects(run, { message: `${failing} failed` });
    assert.deepEqual(stopped, [1 - failing]);
  }
});

test('a failure to finish is thrown, and stops the others', async () => {
  let isStopped = false;
  const run = mapInOrder([0, 1], 2, {
    start: async (item, stop) => {
      if (item === 0) return;
      await assert.rejects(sleep(60_000, undefined, { signal: stop }));
      isStopped = true;
    },
    finish: () => {
      throw new Error('can not finish');
    },
  });
  await assert.rejects(run, /can not finish/);
  assert.ok(isStopped);
});
