// SPDX-License-Identifier: Apache-2.0
// Where in the source an error arose. What is installed is a bundle: its source map, which stands beside it and is read
// only now, tells the file and the line that a developer has.
import { SourceMap, type SourceMapPayload } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTextIfThere } from '../../sys/source-text.ts';

/** `ask.ts:107`; `unknown:0` where an error carries no stack. */
export function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const line of stack.split('\n')) {
    const found = /\(?((?:file:\/\/)?\/[^():]+):(\d+):(\d+)\)?$/.exec(line);
    if (found === null) continue;
    const [, where = '', lineNumber = '0', column = '0'] = found;
    const path = where.startsWith('file:') ? fileURLToPath(where) : where;
    const place = originalPlace(path, Number(lineNumber), Number(column));
    // Those who speak are not those who found out.
    if (!place.startsWith('messages.ts:')) return place;
  }
  return 'unknown:0';
}

function originalPlace(path: string, line: number, column: number): string {
  const text = readTextIfThere(`${path}.map`);
  if (text !== undefined) {
    const entry = new SourceMap(JSON.parse(text) as SourceMapPayload).findEntry(line - 1, column - 1);
    if ('originalSource' in entry) return `${basename(entry.originalSource)}:${entry.originalLine + 1}`;
  }
  return `${basename(path)}:${line}`;
}
