// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCommandRig } from '../../../test/support/command-rig.ts';
import type { Finding } from '../../host/index.ts';

const { run } = createCommandRig();
const variables = { PATH: process.env['PATH'] ?? '' };

test('says of each question how it stands, and fails where something is missing', async () => {
  const json = await run(['doctor', '--json'], { variables });
  const findings = JSON.parse(json.stdout) as readonly Finding[];
  assert.ok(findings.length >= 8);
  const isMissing = findings.some(({ state }) => state === 'missing');
  assert.equal(json.status, isMissing ? 1 : 0);

  const { status, stdout, stderr } = await run(['doctor'], { variables, isTerminal: true, columns: 60 });
  assert.deepEqual([status, stderr], [json.status, '']);
  const plain = stdout.replaceAll(/\x1b\[\d+m/g, '');
  for (const { state, what } of findings)
    assert.ok(plain.includes(`\n${state.padEnd(9)}${what}`) || plain.startsWith(`${state.padEnd(9)}${what}`), what);
  assert.match(stdout, /\x1b\[3[123]m(?:ok|warning|missing)/);
  // What has no blank can't be broken.
  const long = plain.split('\n').filter((line) => line.length > 60 && line.trim().includes(' '));
  assert.deepEqual(
    long.filter((line) => !/\S{40}/.test(line)),
    [],
  );
});

test('shows only lacks when quiet', async () => {
  const { stdout } = await run(['doctor', '-q'], { variables });
  assert.doesNotMatch(stdout, /^ok /m);
});

test('finds a store that can not be written', async () => {
  const { status, stdout } = await run(['doctor', '-q'], { variables: { ...variables, SLIPWAY_STORE: '/proc/store' } });
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^missing {2}image store: \/proc\/store.*\n(?: {9}.*\n)* {9}you: .*\n(?: {9}.*\n)* {9}administrator: /m,
  );
});
