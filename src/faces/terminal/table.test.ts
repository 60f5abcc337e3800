// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, writeTable } from './table.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';

type Row = { readonly name: string; readonly sizeBytes: number };
const columns: readonly Column<Row>[] = [
  { title: 'NAME', text: (row) => row.name },
  { title: 'SIZE', isRight: true, text: (row) => `${row.sizeBytes} B`, value: (row) => String(row.sizeBytes) },
];
const rows = [
  { name: 'a-long-name', sizeBytes: 5 },
  { name: 'b\x1b[2J', sizeBytes: 12345 },
];

test('aligns columns on a terminal, within its width', () => {
  const { stdout } = fakeEnvironment({ isTerminal: true });
  writeTable(stdout, columns, rows);
  assert.equal(stdout.text(), 'NAME            SIZE\na-long-name      5 B\nb\\x1b[2J     12345 B\n');
  const narrow = fakeEnvironment({ isTerminal: true, columns: 8 }).stdout;
  writeTable(narrow, columns, rows);
  assert.ok(
    narrow
      .text()
      .split('\n')
      .every((line) => line.length <= 8),
  );
});

test('gives programs bare values between tabs', () => {
  const { stdout } = fakeEnvironment();
  writeTable(stdout, columns, rows);
  assert.equal(stdout.text(), 'a-long-name\t5\nb\\x1b[2J\t12345\n');
});
