// SPDX-License-Identifier: Apache-2.0
import type { OutputStream } from './environment.ts';
import { printable, shorten } from './printable.ts';

export type Column<Row> = {
  readonly title: string;
  readonly isRight?: boolean;
  /** For people. */
  readonly text: (row: Row) => string;
  /** For programs, where it differs: the whole digest, bytes. */
  readonly value?: (row: Row) => string;
};

/**
 * Rows on a terminal: titled, aligned columns, cut at the terminal's width. Elsewhere: no titles, one row a line, a tab
 * between values, nothing cut or rounded.
 */
export function writeTable<Row>(stream: OutputStream, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  if (!stream.isTerminal) {
    for (const row of rows) {
      stream.write(`${columns.map((column) => printable((column.value ?? column.text)(row))).join('\t')}\n`);
    }
    return;
  }
  const width = stream.size().columns;
  for (const line of layOut(columns, rows)) stream.write(`${shorten(line, width)}\n`);
}

function layOut<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly string[] {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => printable(column.text(row)))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  return cells.map((line) =>
    line
      .map((cell, index) =>
        columns[index]?.isRight === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
