// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '../model/index.ts';
import { isLocked, type LockOptions, type WaitingForLock, withLock, withLockIfFree } from './lock-file.ts';
import type { LockTiming } from './lock-holder.ts';
import { type ProcessIdentity, thisProcess } from './process-identity.ts';

const timing: LockTiming = { heartbeatMs: 20, silenceMs: 150, abandonedMs: 900_000, recheckMs: 20 };
const elsewhere: ProcessIdentity = { ...thisProcess(), host: 'elsewhere', bootId: 'other' };

describe('a lock', () => {
  let directory: string;
  let lock: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slipway-lock-'));
    lock = join(directory, 'a.lock');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const options = (more: Partial<LockOptions> = {}): LockOptions => ({
    what: 'the thing',
    signal: new AbortController().signal,
    timing,
    ...more,
  });

  /** Puts a lock there as another process would, its last sign of life `ageMs` ago. */
  const plant = async (holder: ProcessIdentity | undefined, ageMs = 0): Promise<string> => {
    await mkdir(lock);
    const path = join(lock, 'planted');
    await writeFile(path, holder === undefined ? '' : JSON.stringify(holder));
    const time = new Date(Date.now() - ageMs);
    await utimes(path, time, time);
    return path;
  };

  test('is held while the work runs and leaves nothing behind', async () => {
    const result = await withLock(lock, options(), async () => {
      assert.equal(await isLocked(lock), true);
      return 7;
    });
    assert.equal(result, 7);
    assert.equal(await isLocked(lock), false);
    assert.deepEqual(await readdir(directory), []);
  });

  test('is released when the work fails, whose error comes through', async () => {
    await assert.rejects(
      withLock(lock, options(), async () => {
        throw new Error('no luck');
      }),
      { message: 'no luck' },
    );
    assert.deepEqual(await readdir(directory), []);
  });

  test('admits one at a time, and says once whom it waits for', async () => {
    const events: WaitingForLock[] = [];
    let inside = 0;
    const runs = Array.from({ length: 8 }, () =>
      withLock(lock, options({ emit: (event) => events.push(event) }), async () => {
        inside += 1;
        assert.equal(inside, 1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside -= 1;
      }),
    );
    await Promise.all(runs);
    assert.ok(events.length > 0);
    const self = thisProcess();
    for (const event of events) {
      assert.deepEqual(event, {
        type: 'waiting-for-lock',
        what: 'the thing',
        heldBy: `process ${self.pid} on ${self.host}`,
      });
    }
    assert.deepEqual(await readdir(directory), []);
  });

  test('is not waited for by withLockIfFree', async () => {
    await withLock(lock, options(), async () => {
      assert.equal(await withLockIfFree(lock, options(), async () => 'ran'), undefined);
    });
    assert.equal(await withLockIfFree(lock, options(), async () => 'ran'), 'ran');
  });

  test('stops waiting when the signal is aborted, and leaves the holder alone', async () => {
    const path = await plant(thisProcess());
    const controller = new AbortController();
    const waiting = withLock(lock, options({ signal: controller.signal, emit: () => controller.abort('enough') }), () =>
      assert.fail('must not run'),
    );
    await assert.rejects(waiting, (reason) => reason === 'enough');
    assert.deepEqual(await readdir(directory), ['a.lock']);
    await rm(path);
  });

  test('of a process that is gone is taken over', async () => {
    await plant({ ...thisProcess(), startTicks: '1' });
    assert.equal(await isLocked(lock), false);
    assert.equal(await withLock(lock, options(), async () => 'ran'), 'ran');
    assert.deepEqual(await readdir(directory), []);
  });

  test('of a living process here is never taken over, however old its sign of life', async () => {
    await plant(thisProcess(), 86_400_000);
    const waiting = withLock(lock, options({ signal: AbortSignal.timeout(400) }), () => assert.fail('must not run'));
    await assert.rejects(waiting, { name: 'TimeoutError' });
  });

  test('of a process elsewhere is taken over when it has been silent for long enough', async () => {
    await plant(elsewhere);
    assert.equal(await withLockIfFree(lock, options(), async () => 'ran'), undefined);
    assert.equal(await withLock(lock, options(), async () => 'ran'), 'ran');
  });

  test('of a process elsewhere is respected while it gives signs of life', async () => {
    const path = await plant(elsewhere);
    // Its clock is hours off: only that it moves counts.
    let remoteMs = Date.now() - 600_000;
    const beats = setInterval(() => {
      remoteMs += 1000;
      void utimes(path, new Date(remoteMs), new Date(remoteMs));
    }, 20);
    try {
      // Long enough to be taken over twice if it stood still, and a beat may come late by many times its interval.
      const patient = options({ signal: AbortSignal.timeout(1200), timing: { ...timing, silenceMs: 500 } });
      const waiting = withLock(lock, patient, () => assert.fail('must not run'));
      await assert.rejects(waiting, { name: 'TimeoutError' });
    } finally {
      clearInterval(beats);
    }
  });

  test('of a process elsewhere is taken over at once when the file system calls it old', async () => {
    await plant(elsewhere, 1_000_000);
    assert.equal(await withLockIfFree(lock, options(), async () => 'ran'), 'ran');
  });

  test('with an unreadable record is taken over after the silence', async () => {
    await plant(undefined);
    assert.equal(await withLock(lock, options(), async () => 'ran'), 'ran');
  });

  test('that was emptied but not removed is free', async () => {
    await mkdir(lock);
    assert.equal(await withLock(lock, options(), async () => 'ran'), 'ran');
  });

  test('that another process took over is reported to the work by its signal', async () => {
    await assert.rejects(
      withLock(lock, options(), async (signal) => {
        await rm(lock, { recursive: true });
        await plant(elsewhere);
        // It may have been noticed already.
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        signal.throwIfAborted();
      }),
      (error) => hasCode(error, 'lock-lost'),
    );
    assert.deepEqual(await readdir(lock), ['planted'], 'the new holder keeps its lock');
  });

  test('in a directory that is not there is an error with the path', async () => {
    await assert.rejects(
      withLock(join(directory, 'none', 'a.lock'), options(), async () => undefined),
      (error) => hasCode(error, 'file-operation-failed') && error.message.includes('none/a.lock'),
    );
  });
});
