// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest, PullEvent } from '../../model/index.ts';
import { createPullReporter } from './pull-reporter.ts';
import { type FakeEnvironment, fakeEnvironment } from './testing/fake-environment.ts';
import { screenAfter } from './testing/screen.ts';

const mebibyte = 2 ** 20;
const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}` as Digest;
const reference = 'docker.io/library/debian:12';
const resolving: PullEvent = { type: 'resolving', reference };
const resolved = (count: number): PullEvent => ({
  type: 'resolved',
  reference,
  digest: digest('f'),
  platform: 'linux/amd64',
  layers: Array.from({ length: count }, (_, index) => ({
    digest: digest(index.toString(16)),
    sizeBytes: 40 * mebibyte,
  })),
});
const loading = (digit: string, done: number): PullEvent => ({
  type: 'blob-progress',
  digest: digest(digit),
  doneBytes: done * mebibyte,
  totalBytes: 40 * mebibyte,
});
const done = (digit: string, wasCached: boolean = false): PullEvent => ({
  type: 'blob-done',
  digest: digest(digit),
  sizeBytes: 40 * mebibyte,
  wasCached,
});
const stored: PullEvent = { type: 'stored', reference, digest: digest('f'), sizeBytes: 70 * mebibyte };

function screen(environment: FakeEnvironment): readonly string[] {
  return screenAfter(environment.stderr.text(), environment.stderr.size().columns);
}

test('draws a line a layer, a total and the conversion, and in the end leaves one line', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const reporter = createPullReporter(environment, 'people');
  reporter.emit(resolving);
  environment.pass(100);
  assert.deepEqual(screen(environment), [`${reference}: asking the registry`]);
  for (const event of [resolved(3), loading('0', 0), done('2', true)]) reporter.emit(event);
  environment.pass(2000);
  reporter.emit(loading('0', 10));
  environment.pass(100);
  const lines = screen(environment);
  assert.equal(lines[0], `${reference} for linux/amd64: pulling`);
  assert.match(lines[1] ?? '', /^ {2}000000000000 {2}━━+─+ +25% +10\.0 MiB \/ 40\.0 MiB +4\.\d MiB\/s +\ds$/);
  assert.equal(lines[2], '  111111111111  waiting, 40.0 MiB');
  assert.equal(lines[3], '  222222222222  already here, 40.0 MiB');
  assert.match(lines[4] ?? '', /^ {2}total .* 12% +10\.0 MiB \/ 80\.0 MiB/);
  assert.equal(lines.length, 5);

  for (const event of [done('0'), done('1')]) reporter.emit(event);
  environment.pass(100);
  assert.deepEqual(screen(environment).slice(4), [
    '  total         done, 80.0 MiB',
    '  convert       reading the layers',
  ]);
  reporter.emit({ type: 'converting', entries: 5, contentBytes: 100 * mebibyte });
  reporter.emit({ type: 'convert-progress', doneBytes: 50 * mebibyte, totalBytes: 100 * mebibyte });
  environment.pass(100);
  assert.match(screen(environment)[5] ?? '', /^ {2}convert .* 50% +50\.0 MiB \/ 100 MiB$/);

  reporter.emit(stored);
  environment.pass(500);
  reporter.close();
  assert.deepEqual(screenAfter(environment.stderr.text(), 200), [
    `${reference}: 70.0 MiB stored in 2.4s (80.0 MiB downloaded, 40.0 MiB reused)`,
  ]);
  assert.equal(environment.stdout.text(), '');
});

test('draws at most ten times a second, however many events there are', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const reporter = createPullReporter(environment, 'people');
  for (const event of [resolving, resolved(1)]) reporter.emit(event);
  for (let step = 0; step < 1000; step += 1) {
    reporter.emit(loading('0', step / 50));
    environment.pass(1);
  }
  reporter.close();
  assert.equal(environment.stderr.text().split('pulling').length - 1, 10);
});

test('fits into low and narrow terminals, whatever the number of layers', () => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [30, 5],
    [120, 8],
  ] as const) {
    const environment = fakeEnvironment({ isTerminal: true, columns, rows });
    const reporter = createPullReporter(environment, 'people');
    for (const event of [resolving, resolved(16), done('0'), loading('1', 1), loading('2', 2), loading('3', 2)])
      reporter.emit(event);
    environment.pass(100);
    const lines = screen(environment);
    assert.ok(lines.length < rows, `${lines.length} lines of ${rows}`);
    if (rows > 5 && rows < 16)
      assert.ok(
        lines.some((line) => line.startsWith('  layers        1 of 16 done, 12 wait')),
        lines.join('\n'),
      );
    reporter.close();
    assert.deepEqual(screen(environment), ['']);
  }
});

test('takes wrapped lines away after the terminal was made narrower', () => {
  const environment = fakeEnvironment({ isTerminal: true, columns: 80 });
  const reporter = createPullReporter(environment, 'people');
  for (const event of [resolving, resolved(1), loading('0', 1)]) reporter.emit(event);
  environment.pass(100);
  const before = environment.stderr.text().length;
  environment.stderr.resize(40, 24);
  environment.pass(100);
  // The head of 46 characters and the total took two rows each, as did the layer.
  assert.match(environment.stderr.text().slice(before), /^\x1b\[6A\r/);
  reporter.close();
});

test('puts warnings and retries above the live lines, once', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const reporter = createPullReporter(environment, 'people');
  for (const event of [resolving, resolved(1), loading('0', 1)]) reporter.emit(event);
  environment.pass(300);
  reporter.emit({ type: 'retrying', what: 'layer 1', reason: 'connection reset', delayMs: 500 });
  reporter.emit({ type: 'warning', code: 'x', text: 'device nodes\x1b[2J are left out', count: 3 });
  environment.pass(300);
  const lines = screen(environment);
  assert.equal(lines[0], 'layer 1: connection reset; trying again in 0.5s');
  assert.equal(lines[1], 'warning: device nodes\\x1b[2J are left out (3 times)');
  assert.match(lines[2] ?? '', /pulling$/);
  reporter.close();
  assert.deepEqual(screen(environment), lines.slice(0, 2));
});

test('uses no colour when NO_COLOR says so, and no drawing on a dumb terminal', () => {
  const draw = (variables: Record<string, string>): string => {
    const environment = fakeEnvironment({ isTerminal: true, variables });
    const reporter = createPullReporter(environment, 'people');
    for (const event of [resolving, resolved(1), done('0'), stored]) {
      reporter.emit(event);
      environment.pass(200);
    }
    reporter.close();
    return environment.stderr.text();
  };
  assert.match(draw({}), /\x1b\[2m/);
  assert.doesNotMatch(draw({ NO_COLOR: '1' }), /\x1b\[[0-9;]*m/);
  assert.match(draw({ NO_COLOR: '' }), /\x1b\[2m/);
  assert.doesNotMatch(draw({ TERM: 'dumb' }), /\x1b/);
});

test('writes plain lines where nothing can be drawn', () => {
  const environment = fakeEnvironment();
  const reporter = createPullReporter(environment, 'people');
  const events: PullEvent[] = [
    resolving,
    { type: 'waiting-for-lock', what: 'the image', heldBy: 'node1, process 7' },
    resolved(2),
    loading('0', 20),
    done('0'),
    done('1', true),
    { type: 'converting', entries: 2, contentBytes: 100 * mebibyte },
    { type: 'convert-progress', doneBytes: 1, totalBytes: 2 },
    stored,
  ];
  for (const event of events) {
    reporter.emit(event);
    environment.pass(1000);
  }
  reporter.close();
  assert.deepEqual(environment.stderr.text().trimEnd().split('\n'), [
    'waiting for the image, held by node1, process 7',
    `${reference}: ${digest('f')} for linux/amd64, 2 layers, 80.0 MiB`,
    `layer ${digest('0')} 40.0 MiB done`,
    `layer ${digest('1')} 40.0 MiB already here`,
    'converting 2 entries, 100 MiB',
    `${reference}: 70.0 MiB stored in 8.0s (40.0 MiB downloaded, 40.0 MiB reused)`,
  ]);
});

test('gives a log a sign of life in a long download', () => {
  const environment = fakeEnvironment();
  const reporter = createPullReporter(environment, 'people');
  for (const event of [resolving, resolved(1)]) reporter.emit(event);
  for (let second = 0; second < 100; second += 1) {
    environment.pass(1000);
    reporter.emit(loading('0', second / 10));
  }
  const signs = environment.stderr
    .text()
    .split('\n')
    .filter((line) => line.startsWith('downloaded'));
  assert.deepEqual(signs, [
    'downloaded 2.9 MiB of 40.0 MiB',
    'downloaded 5.9 MiB of 40.0 MiB',
    'downloaded 8.9 MiB of 40.0 MiB',
  ]);
});

test('says only warnings when quiet', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const reporter = createPullReporter(environment, 'quiet');
  for (const event of [
    resolving,
    resolved(1),
    loading('0', 1),
    { type: 'warning', code: 'x', text: 'odd', count: 1 } as const,
    stored,
  ]) {
    reporter.emit(event);
    environment.pass(1000);
  }
  assert.equal(environment.stderr.text(), 'warning: odd\n');
});

test('gives events as JSON lines with their time, progress a few times a second', () => {
  const environment = fakeEnvironment();
  const reporter = createPullReporter(environment, 'json');
  for (const event of [resolving, resolved(2)]) reporter.emit(event);
  for (let step = 0; step < 1000; step += 1) {
    reporter.emit(loading('0', step));
    reporter.emit(loading('1', step));
    environment.pass(1);
  }
  reporter.emit(stored);
  const events = environment.stdout
    .text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(events[0], { time: '2026-11-21T16:30:00.000Z', type: 'resolving', reference });
  assert.deepEqual(events.at(-1), { time: '2026-11-21T16:30:01.000Z', ...stored });
  assert.equal(events.filter((event) => event['type'] === 'blob-progress').length, 8);
  assert.equal(environment.stderr.text(), '');
});
