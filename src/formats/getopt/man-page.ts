// SPDX-License-Identifier: Apache-2.0
// A manual page in the man(7) macros. groff_man(7) and roff(7) decide what must be escaped.
import { type CommandDescription, optionGroups, optionSpellings, usageForms } from './command.ts';

export type ManPageOptions = {
  readonly section: number;
  /** `slipway 1.2.0`, for the page's foot. */
  readonly source: string;
  /** `2026-11-21`: of the source, so that one source gives the same page. */
  readonly date: string;
  /** `slipway-pull(1)`. */
  readonly seeAlso: readonly string[];
};

/** The page's file name without its section: `slipway pull` is slipway-pull. */
export function manPageName(command: CommandDescription): string {
  return command.name.replaceAll(' ', '-');
}

/** The page as roff source. */
export function renderManPage(command: CommandDescription, options: ManPageOptions): string {
  const name = manPageName(command);
  const heading = ['.TH', name.toUpperCase(), String(options.section), options.date, options.source, 'User Commands'];
  return `${[
    [heading[0], ...heading.slice(1).map((word) => `"${escape(word ?? '')}"`)].join(' '),
    '.SH NAME',
    `${escape(name)} \\- ${escape(command.summary)}`,
    '.SH SYNOPSIS',
    ...usageForms(command).flatMap((form, index) => [
      ...(index === 0 ? [] : ['.br']),
      `\\fB${escape(command.name)}\\fR ${emphasised(form)}`.trimEnd(),
    ]),
    '.SH DESCRIPTION',
    ...command.description.flatMap((paragraph) => ['.PP', line(paragraph)]),
    ...items(
      'COMMANDS',
      (command.subcommands ?? []).map(({ name: sub, summary }) => [bold(sub), summary]),
    ),
    ...items(
      'ARGUMENTS',
      command.operands.map((operand) => [italic(operand.name), operand.help]),
    ),
    ...optionGroups(command.options).flatMap(({ title, options: shown }) =>
      items(
        title.toUpperCase(),
        shown.map((option) => {
          const { names, argument } = optionSpellings(option);
          return [names.map(bold).join(', ') + emphasised(argument), option.help];
        }),
      ),
    ),
    ...(command.sections ?? []).flatMap(({ title, items: rows }) =>
      items(
        title.toUpperCase(),
        rows.map(({ term, help }) => [bold(term), help]),
      ),
    ),
    ...(command.examples.length === 0 ? [] : ['.SH EXAMPLES']),
    ...command.examples.flatMap(({ command: example, help }) => [
      '.PP',
      line(`${help}:`),
      '.PP',
      '.nf',
      '.RS 4',
      line(example),
      '.RE',
      '.fi',
    ]),
    ...(options.seeAlso.length === 0
      ? []
      : [
          '.SH SEE ALSO',
          options.seeAlso
            .map((page) =>
              page.replace(/^(.*)(\(\d\))$/, (_, title: string, number: string) => `\\fB${escape(title)}\\fR${number}`),
            )
            .join(', '),
        ]),
  ].join('\n')}\n`;
}

function items(title: string, rows: readonly (readonly [term: string, help: string])[]): readonly string[] {
  if (rows.length === 0) return [];
  return [`.SH ${title}`, ...rows.flatMap(([term, help]) => ['.TP', term, line(help)])];
}

function bold(text: string): string {
  return `\\fB${escape(text)}\\fR`;
}

function italic(text: string): string {
  return `\\fI${escape(text)}\\fR`;
}

/** Capital words, which name arguments, in italics. */
function emphasised(text: string): string {
  return escape(text).replaceAll(/[A-Z][A-Z0-9_]*/g, (word) => `\\fI${word}\\fR`);
}

/** A whole input line: a dot or an apostrophe at its start would make it a request. */
function line(text: string): string {
  return escape(text).replace(/^(?=[.'])/, '\\&');
}

// A bare - may come out as a hyphen and ' or ` as curly quotes, which can't be pasted into a shell.
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('"', '\\(dq')
    .replaceAll('\n', ' ');
}
