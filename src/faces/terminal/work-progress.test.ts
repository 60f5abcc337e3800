// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { screenAfter } from './testing/screen.ts';
import { createWorkProgress } from './work-progress.ts';

test('one line on a terminal, which makes way for others and is gone in the end', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const { stderr } = environment;
  const progress = createWorkProgress(environment, () => assert.fail('a terminal is no log'));
  progress.begin('Creating the image');
  environment.pass(1000);
  progress.note('12 files');
  environment.pass(64_000);
  assert.deepEqual(screenAfter(stderr.text(), 80), ['  Creating the image, 12 files, 1m05s']);
  progress.makeWay(false);
  stderr.write('half a ');
  environment.pass(1000);
  assert.deepEqual(screenAfter(stderr.text(), 80), ['half a']);
  progress.makeWay();
  stderr.write('line\n');
  environment.pass(1000);
  assert.deepEqual(screenAfter(stderr.text(), 80), ['half a line', '  Creating the image, 12 files, 1m07s']);
  progress.close();
  environment.pass(60_000);
  assert.deepEqual(screenAfter(stderr.text(), 80), ['half a line']);
});

test('a line now and then in a log, and none where nothing is done', () => {
  const environment = fakeEnvironment();
  const lines: string[] = [];
  const progress = createWorkProgress(environment, (text) => lines.push(text));
  environment.pass(60_000);
  progress.begin('Installing');
  environment.pass(60_000);
  progress.begin(undefined);
  environment.pass(60_000);
  assert.deepEqual(lines, ['Installing, 30s', 'Installing, 1m00s']);
  assert.equal(environment.stderr.text(), '');
});
