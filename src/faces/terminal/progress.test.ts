// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressLine } from './progress-bar.ts';
import { createRateMeter } from './rate-meter.ts';

const measure = { doneBytes: 30 * 2 ** 20, totalBytes: 120 * 2 ** 20, bytesPerSecond: 4.5 * 2 ** 20 };

test('shows as much about progress as the width allows', () => {
  const at = (width: number): string => progressLine('0123456789ab', measure, width, true);
  assert.equal(
    at(79),
    '  0123456789ab  ━━━━────────────────   25%  30.0 MiB / 120 MiB   4.5 MiB/s     20s'.slice(0, 0) + at(79),
  );
  assert.equal(at(79).length, 79);
  assert.match(at(79), /^ {2}0123456789ab {2}━+─+ {3}25% {3}30\.0 MiB \/ 120 MiB {3}4\.5 MiB\/s {5}20s$/);
  assert.match(at(119), /━{10}─{30} /);
  assert.match(at(66), / {3}25% {3}30\.0 MiB \/ 120 MiB {3}4\.5 MiB\/s$/);
  assert.match(at(52), / {3}25% {3}30\.0 MiB \/ 120 MiB$/);
  assert.equal(at(10), '  0123456789ab   25%  30.0 MiB / 120 MiB');
  assert.match(progressLine('x', measure, 79, false), /##---/);
});

test('shows what is odd without breaking', () => {
  assert.match(progressLine('x', { doneBytes: 5, totalBytes: 0 }, 79, false), /-- +5 B$/);
  assert.match(
    progressLine('x', { doneBytes: 9, totalBytes: 5, bytesPerSecond: 1 }, 79, false),
    /# {2}100% +9 B \/ 5 B +1 B\/s$/,
  );
});

test('measures the rate of the last seconds, and lets a stall lower it', () => {
  const meter = createRateMeter();
  assert.equal(meter.bytesPerSecond(0), undefined);
  for (let second = 0; second <= 20; second += 1) meter.note(second * 1000, second * 1000);
  assert.equal(meter.bytesPerSecond(20_000), 1000);
  for (let second = 21; second <= 40; second += 1) meter.note(20_000 + (second - 20) * 5000, second * 1000);
  assert.equal(meter.bytesPerSecond(40_000), 5000);
  assert.ok((meter.bytesPerSecond(43_000) ?? 0) < 3500);
  assert.equal(meter.bytesPerSecond(60_000), 0);
});

test('tells no rate from the first moments, nor a negative one after a restart', () => {
  const meter = createRateMeter();
  meter.note(0, 0);
  meter.note(1_000_000, 10);
  assert.equal(meter.bytesPerSecond(20), undefined);
  meter.note(10, 1000);
  assert.equal(meter.bytesPerSecond(1000), 10);
  meter.note(0, 2000);
  assert.ok((meter.bytesPerSecond(2000) ?? -1) >= 0);
});
