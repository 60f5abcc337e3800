// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapConcurrently } from './map-concurrently.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('results come in the order of the items, with no more under way than allowed', async () => {
  let running = 0;
  let most = 0;
  const results = await mapConcurrently([5, 1, 4, 2, 3, 0], 3, async (item) => {
    running += 1;
    most = Math.max(most, running);
    for (let turns = 0; turns < item; turns += 1) await turn();
    running -= 1;
    return item * 2;
  });
  assert.deepEqual(results, [10, 2, 8, 4, 6, 0]);
  assert.equal(most, 3);
  assert.deepEqual(await mapConcurrently([], 3, async () => assert.fail()), []);
});

test('after a failure nothing is begun, what is under way is waited for, and the first failure is thrown', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const failing = mapConcurrently([0, 1, 2, 3], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('first');
    for (let turns = 0; turns < 5; turns += 1) await turn();
    ended.push(item);
    throw new Error('second');
  });
  await assert.rejects(failing, { message: 'first' });
  assert.deepEqual(begun, [0, 1]);
  assert.deepEqual(ended, [0]);
});
