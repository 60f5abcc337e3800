// SPDX-License-Identifier: Apache-2.0

/**
 * What a terminal shows after `output`, without trailing blanks: as much of ECMA-48 as the live view uses. Throws on
 * anything else, and on lines that reach the right edge, where terminals differ.
 */
export function screenAfter(output: string, columns: number): readonly string[] {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  const put = (character: string): void => {
    if (column >= columns - 1) throw new Error(`"${lines[row] ?? ''}" reaches the right edge`);
    lines[row] = (lines[row] ?? '').padEnd(column).slice(0, column) + character + (lines[row] ?? '').slice(column + 1);
    column += 1;
  };
  for (const [token] of output.matchAll(/\x1b\[[0-9;]*[A-Za-z]|[^]/gu)) {
    if (token === '\n') {
      row += 1;
      column = 0;
      lines[row] ??= '';
    } else if (token === '\r') {
      column = 0;
    } else if (token === '\x1b[K') {
      lines[row] = (lines[row] ?? '').slice(0, column);
    } else if (token === '\x1b[J') {
      lines.length = row + 1;
      lines[row] = (lines[row] ?? '').slice(0, column);
    } else if (/^\x1b\[\d+A$/.test(token)) {
      row -= Number(token.slice(2, -1));
      if (row < 0) throw new Error('the cursor leaves the screen');
    } else if (/^\x1b\[[0-9;]*m$/.test(token)) {
      continue;
    } else if (token.startsWith('\x1b')) {
      throw new Error(`unknown control sequence ${JSON.stringify(token)}`);
    } else {
      put(token);
    }
  }
  return lines.join('\n').trimEnd().split('\n');
}
