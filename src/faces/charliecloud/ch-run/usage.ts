// SPDX-License-Identifier: Apache-2.0
// The text of `ch-run --usage`, which lists every spelling of every option, as argp does.
import { optionSpellings } from '../../../formats/getopt/index.ts';
import { chRun, chRunOptions } from './description.ts';

const indent = 12;

/** Ends in a newline; no line is longer than `columns` unless one option is. */
export function renderChRunUsage(columns: number): string {
  const shown = chRunOptions.filter((option) => !('hidden' in option));
  const letters = shown.flatMap((option) => ('short' in option && option.argument === 'none' ? [option.short] : []));
  const spelt = shown.flatMap((option) => {
    if (!('short' in option) || option.argument === 'none') return [];
    const name = option.argumentName;
    return [option.argument === 'required' ? `[-${option.short} ${name}]` : `[-${option.short}[${name}]]`];
  });
  const words = shown.map((option) => `[--${option.long}${optionSpellings(option).argument}]`);
  const lines = [`Usage: ${chRun.name}`];
  for (const piece of [`[-${letters.join('')}]`, ...spelt, ...words, 'IMAGE -- COMMAND [ARG...]']) {
    const line = `${lines.at(-1)} ${piece}`;
    if (line.length <= columns) lines[lines.length - 1] = line;
    else lines.push(`${' '.repeat(indent)}${piece}`);
  }
  return `${lines.join('\n')}\n`;
}
