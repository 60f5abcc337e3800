// SPDX-License-Identifier: Apache-2.0
// The text of --help, in the manner of GNU programs: usage, what it does, options by group, examples.
import { type CommandDescription, optionGroups, optionSpellings, usageForms } from './command.ts';
import type { OptionEntry } from './table.ts';
import { wrapText } from './wrap-text.ts';

const narrowest = 40;
// Longer lines are hard to read, however wide the terminal.
const widest = 100;
// A left column wider than this would squeeze every text; such a term gets a line of its own.
const widestTerm = 30;

type Row = { readonly term: string; readonly help: string };

/** The whole text of `--help`, ending in a newline, for a terminal of `columns`. */
export function renderHelp(command: CommandDescription, columns: number): string {
  const width = Math.min(Math.max(columns, narrowest), widest);
  const operands = command.operands.map(({ name, help }) => ({ term: name, help }));
  const groups = optionGroups(command.options);
  // All groups of options share a column.
  const optionColumn = columnFor(groups.flatMap(({ options }) => options.map(optionRow)));
  const subcommands = (command.subcommands ?? []).map(({ name, summary }) => ({ term: name, help: summary }));
  const blocks = [
    [...usageLines(command, width)],
    ...command.description.map((paragraph) => [...wrapText(paragraph, width)]),
    section('Commands', subcommands, width),
    section('Arguments', operands, width),
    ...groups.map(({ title, options }) => section(title, options.map(optionRow), width, optionColumn)),
    ...(command.sections ?? []).map(({ title, items }) => section(title, items, width)),
    command.examples.length === 0
      ? []
      : [
          'Examples:',
          ...command.examples.flatMap((example) => [`  ${example.command}`, ...indented(example.help, 6, width)]),
        ],
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** The usage lines alone, ending in a newline, for a terminal of `columns`. */
export function renderUsage(command: CommandDescription, columns: number): string {
  return `${usageLines(command, Math.min(Math.max(columns, narrowest), widest)).join('\n')}\n`;
}

function usageLines(command: CommandDescription, width: number): readonly string[] {
  return usageForms(command).flatMap((form, index) => {
    const start = `${index === 0 ? 'Usage:' : '   or:'} ${command.name} `;
    const [first, ...rest] = wrapText(form, width - start.length);
    return [`${start}${first ?? ''}`.trimEnd(), ...rest.map((line) => ' '.repeat(start.length) + line)];
  });
}

function section(
  title: string,
  rows: readonly Row[],
  width: number,
  column: number = columnFor(rows),
): readonly string[] {
  return rows.length === 0 ? [] : [`${title}:`, ...rows.flatMap((row) => renderRow(row, column, width))];
}

/** Where the texts of these rows begin. */
function columnFor(rows: readonly Row[]): number {
  const fitting = rows.map((row) => row.term.length).filter((length) => length <= widestTerm);
  return 2 + Math.max(0, ...fitting) + 2;
}

function renderRow({ term, help }: Row, column: number, width: number): readonly string[] {
  const texts = indented(help, column, width);
  if (term.length + 4 > column) return [`  ${term}`, ...texts];
  const [first, ...rest] = texts;
  return [`  ${term}`.padEnd(column) + (first ?? '').trimStart(), ...rest];
}

function indented(text: string, indent: number, width: number): readonly string[] {
  return wrapText(text, Math.max(width - indent, 20)).map((line) => ' '.repeat(indent) + line);
}

function optionRow(option: OptionEntry): Row {
  const { names, argument } = optionSpellings(option);
  // Long names line up, whether a letter stands before them or not.
  const gap = option.short === undefined ? '    ' : '';
  return { term: `${gap}${names.join(', ')}${argument}`, help: option.help };
}
