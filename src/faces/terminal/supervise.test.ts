// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supervise } from './supervise.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';

type Work = (signal: AbortSignal) => Promise<number>;

/** Works until it is aborted, cleans up, and rejects. */
function lasting(cleanUps: string[]): Work {
  return async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await Promise.resolve();
    cleanUps.push('cleaned up');
    throw signal.reason;
  };
}

function systemError(code: string): Error {
  return Object.assign(new Error(`write ${code}`), { code, syscall: 'write', errno: code === 'ENOSPC' ? -28 : -32 });
}

test('ends by the signal itself, after cleaning up, without a word', async () => {
  for (const [name, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const environment = fakeEnvironment();
    const cleanUps: string[] = [];
    const running = supervise('x', environment, lasting(cleanUps));
    environment.send(name);
    assert.deepEqual(environment.raised, []);
    assert.equal(await running, status);
    assert.deepEqual([cleanUps, environment.raised, environment.stderr.text()], [['cleaned up'], [name], '']);
    environment.send(name);
    assert.deepEqual(environment.raised, [name], 'its handler is gone');
  }
});

test('does not wait for the cleaning up when a second signal comes', () => {
  const environment = fakeEnvironment();
  void supervise('x', environment, async () => await new Promise(() => undefined));
  environment.send('SIGINT');
  environment.send('SIGTERM');
  assert.deepEqual(environment.raised, ['SIGTERM']);
});

test('stops quietly when nobody reads its output any more', async () => {
  const environment = fakeEnvironment();
  const cleanUps: string[] = [];
  const running = supervise('x', environment, lasting(cleanUps));
  environment.stdout.break(systemError('EPIPE'));
  assert.equal(await running, 141);
  assert.deepEqual([cleanUps, environment.stderr.text(), environment.raised], [['cleaned up'], '', []]);
});

test('says why its output could not be written, even when the work was done', async () => {
  const environment = fakeEnvironment();
  const status = await supervise('x', environment, async () => {
    environment.stdout.break(systemError('ENOSPC'));
    return await Promise.resolve(0);
  });
  assert.equal(status, 125);
  assert.match(environment.stderr.text(), /^x: write the output: no space is left \(ENOSPC\)/);
});

test('gives the status of the work, or of what it threw', async () => {
  const environment = fakeEnvironment();
  assert.equal(await supervise('x', environment, () => Promise.resolve(3)), 3);
  const failing: Work = () => Promise.reject(new TypeError('y is undefined'));
  assert.equal(await supervise('x', environment, failing), 125);
  assert.match(environment.stderr.text(), /^x: y is undefined\n {2}hint: this is a defect/);
  const detailed = fakeEnvironment({ variables: { SLIPWAY_DEBUG: '1' } });
  await supervise('x', detailed, failing);
  assert.match(detailed.stderr.text(), /\n {4}at .*supervise\.test\.ts/);
});
