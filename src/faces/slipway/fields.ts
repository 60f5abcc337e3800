// SPDX-License-Identifier: Apache-2.0
import { printable } from '../terminal/printable.ts';

/** A name with its value, or with several, each on a line of its own. */
export type Field = readonly [name: string, value: string | readonly string[]];

/** A title, and below it the fields with their values in one column. Fields without a value are left out. */
export function fieldsText(title: string, fields: readonly Field[]): string {
  const shown = fields.filter(([, value]) => value.length > 0);
  const width = Math.max(...shown.filter(([, value]) => typeof value === 'string').map(([name]) => name.length), 0);
  const lines = shown.flatMap(([name, value]) =>
    typeof value === 'string'
      ? [`  ${name.padEnd(width)}  ${printable(value)}`]
      : [`  ${name}`, ...value.map((each) => `    ${printable(each)}`)],
  );
  return [printable(title), ...lines].map((line) => `${line.trimEnd()}\n`).join('');
}
