// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatCount, formatDuration, formatLocalTime, formatRelativeTime, formatSize } from './units.ts';

test('tells sizes in three figures', () => {
  const told = [0, 1, 999, 1000, 1023, 1024, 12_900_000, 102_400, 1_048_575, 5 * 2 ** 40, 2 ** 53].map(formatSize);
  assert.deepEqual(told, [
    '0 B', '1 B', '999 B', '1.0 KiB', '1.0 KiB', '1.0 KiB', '12.3 MiB', '100 KiB', '1.0 MiB', '5.0 TiB', '8.0 PiB',
  ]); // prettier-ignore
});

test('never takes more than eight characters, nor tells a size wrong by more than a twentieth', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 50, noNaN: true }), (exponent) => {
      const sizeBytes = Math.floor(2 ** exponent);
      const text = formatSize(sizeBytes);
      assert.ok(text.length <= 8, text);
      const [value, unit] = text.split(' ');
      const factor = 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'].indexOf(unit ?? '');
      assert.ok(Math.abs(Number(value) * factor - sizeBytes) <= sizeBytes / 20, `${sizeBytes} is no ${text}`);
    }),
  );
});

test('tells durations', () => {
  const told = [400, 9_300, 9_960, 48_400, 59_700, 185_000, 7_620_000, 100 * 3_600_000].map(formatDuration);
  assert.deepEqual(told, ['0.4s', '9.3s', '10s', '48s', '1m00s', '3m05s', '2h07m', '100h00m']);
});

test('tells recent times by their distance, others by date', () => {
  const now = new Date(2026, 10, 21, 16, 30);
  const before = (minutes: number): string => formatRelativeTime(new Date(now.getTime() - minutes * 60_000), now);
  assert.deepEqual(
    [0, 0.9, 1, 59, 60, 119, 120, 47 * 60, 48 * 60, -3, -60].map(before),
    [
      'just now', 'just now', '1 minute ago', '59 minutes ago', '1 hour ago', '1 hour ago', '2 hours ago', '47 hours ago',
      '2026-11-19 16:30', 'just now', '2026-11-21 17:30',
    ], // prettier-ignore
  );
  assert.equal(formatLocalTime(new Date(987, 0, 2, 3, 4)), '987-01-02 03:04');
});

test('counts', () => {
  assert.deepEqual(
    [formatCount(1, 'layer'), formatCount(0, 'layer'), formatCount(2, 'entry', 'entries')],
    ['1 layer', '0 layers', '2 entries'],
  );
});
