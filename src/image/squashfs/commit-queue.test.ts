// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCommitQueue } from './commit-queue.ts';

/** A promise that is settled from outside. */
function deferred<Value>(): PromiseWithResolvers<Value> {
  return Promise.withResolvers<Value>();
}

describe('a commit queue', () => {
  it('commits in the order of adding, whatever is done first', async () => {
    const queue = createCommitQueue(100);
    const [slow, fast] = [deferred<string>(), deferred<string>()];
    const committed: string[] = [];
    const note = (name: string): void => {
      committed.push(name);
    };
    queue.add(1, slow.promise, note);
    queue.add(1, fast.promise, note);
    queue.add(1, 'at once', note);
    fast.resolve('fast');
    await fast.promise;
    assert.deepEqual(committed, []);
    slow.resolve('slow');
    await queue.finish();
    assert.deepEqual(committed, ['slow', 'fast', 'at once']);
    queue.add(1, 'later', note);
    await queue.finish();
    assert.equal(committed.at(-1), 'later');
  });

  it('lets the feeder wait for room', async () => {
    const queue = createCommitQueue(10);
    const first = deferred<void>();
    queue.add(6, first.promise, () => undefined);
    await queue.drain();
    queue.add(6, undefined, () => undefined);
    let isDrained = false;
    const drain = async (): Promise<void> => {
      await queue.drain();
      isDrained = true;
    };
    const drained = drain();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isDrained, false);
    first.resolve();
    await drained;
  });

  for (const where of ['work', 'commit'] as const) {
    it(`throws what the ${where} has thrown, to who waits for room and at the end, and commits nothing after`, async () => {
      const queue = createCommitQueue(1);
      const failing = deferred<void>();
      const fail = (): void => {
        if (where === 'commit') throw new Error('broken');
      };
      queue.add(5, failing.promise, fail);
      let isCommitted = false;
      queue.add(5, undefined, () => {
        isCommitted = true;
      });
      const drained = assert.rejects(queue.drain(), /broken/);
      if (where === 'work') failing.reject(new Error('broken'));
      else failing.resolve();
      await drained;
      await assert.rejects(queue.finish(), /broken/);
      await assert.rejects(queue.drain(), /broken/);
      assert.equal(isCommitted, false);
    });
  }
});
