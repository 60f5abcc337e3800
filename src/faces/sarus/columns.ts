// SPDX-License-Identifier: Apache-2.0
/** Lines of columns as Sarus prints them: each at least ten characters wide, three blanks between. */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(10, ...rows.map((row) => row[index]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('   ')
      .trimEnd(),
  );
  return lines.map((text) => `${text}\n`).join('');
}
