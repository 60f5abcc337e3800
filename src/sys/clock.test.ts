// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('a sleep ends, or is cut short with the reason that the signal gives', async () => {
  await systemClock.sleep(1, new AbortController().signal);
  const controller = new AbortController();
  const reason = new Error('enough');
  setImmediate(() => controller.abort(reason));
  await assert.rejects(systemClock.sleep(3_600_000, controller.signal), reason);
  await assert.rejects(systemClock.sleep(3_600_000, controller.signal), reason);
});
