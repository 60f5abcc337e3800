// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeEnvironment } from '../terminal/testing/fake-environment.ts';
import type { Command } from './commands.ts';
import type { CommandContext } from './context.ts';
import { doctor } from './descriptions/doctor.ts';
import { runCommand } from './run-command.ts';

function commandThat(run: (context: CommandContext) => Promise<number>): Command {
  return { name: 'x', description: doctor, load: () => Promise.resolve({ run: (_, context) => run(context) }) };
}

/** Works until it is aborted, cleans up, and rejects. */
function lasting(cleanUps: string[]): Command {
  return commandThat(async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await Promise.resolve();
    cleanUps.push('cleaned up');
    throw signal.reason;
  });
}

test('ends by the signal itself, after cleaning up, without a word', async () => {
  for (const [name, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const environment = fakeEnvironment();
    const cleanUps: string[] = [];
    const running = runCommand(lasting(cleanUps), [], environment);
    await new Promise(setImmediate);
    environment.send(name);
    assert.deepEqual(environment.raised, []);
    assert.equal(await running, status);
    assert.deepEqual([cleanUps, environment.raised, environment.stderr.text()], [['cleaned up'], [name], '']);
    environment.send(name);
    assert.deepEqual(environment.raised, [name], 'its handler is gone');
  }
});

test('does not wait for the cleaning up when a second signal comes', async () => {
  const environment = fakeEnvironment();
  const running = runCommand(
    commandThat(async () => await new Promise(() => undefined)),
    [],
    environment,
  );
  await new Promise(setImmediate);
  environment.send('SIGINT');
  environment.send('SIGTERM');
  assert.deepEqual(environment.raised, ['SIGTERM']);
  void running;
});

test('stops quietly when nobody reads its output any more', async () => {
  const environment = fakeEnvironment();
  const cleanUps: string[] = [];
  const running = runCommand(lasting(cleanUps), [], environment);
  await new Promise(setImmediate);
  environment.stdout.break();
  assert.equal(await running, 141);
  assert.deepEqual([cleanUps, environment.stderr.text(), environment.raised], [['cleaned up'], '', []]);
});

test('tells a defect as such, with its place on demand', async () => {
  const failing = commandThat(() => Promise.reject(new TypeError('x is undefined')));
  const environment = fakeEnvironment();
  assert.equal(await runCommand(failing, [], environment), 125);
  assert.match(environment.stderr.text(), /^slipway: x is undefined\n {2}hint: this is a defect/);
  const detailed = fakeEnvironment({ variables: { SLIPWAY_DEBUG: '1' } });
  await runCommand(failing, [], detailed);
  assert.match(detailed.stderr.text(), /\n {4}at .*run-command\.test\.ts/);
});
