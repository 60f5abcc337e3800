// SPDX-License-Identifier: Apache-2.0
// Help and usage in the shape of Python's argparse, which people and scripts know of these commands.
import { type OptionEntry, wrapText } from '../../formats/getopt/index.ts';
import { type Form, tykkyCommands, type TykkyProgram } from './commands.ts';

/** As wide as argparse writes without a terminal. */
const columns = 78;
const helpColumn = 24;
/** Stands between an option and its argument until lines are broken: no text here has it. */
const noBreak = '\x1f';

/** `usage: …`, of a form, or of a command with several. */
export function usageText(program: TykkyProgram, form: Form | undefined): string {
  if (form === undefined) {
    const verbs = tykkyCommands[program].forms.map(({ verb }) => verb).join(',');
    return `usage: ${program} [-h] {${verbs}} ...\n`;
  }
  const start = `usage: ${form.verb === '' ? program : `${program} ${form.verb}`} `;
  const options = form.options.map((option) => `[${spelling(option, noBreak, 'first')}]`);
  const lines = wrapText([...options, form.operand.name].join(' '), columns - start.length);
  return `${start}${lines.join(`\n${' '.repeat(start.length)}`).replaceAll(noBreak, ' ')}\n`;
}

/** What `--help` prints. */
export function helpText(program: TykkyProgram, form: Form | undefined): string {
  const { summary, forms } = tykkyCommands[program];
  if (form === undefined) {
    const verbs = forms.map(({ verb, summary: what }) => line(verb, what));
    return [
      usageText(program, undefined),
      `${sentence(summary)}\n`,
      ['positional arguments:', ...verbs].join('\n'),
      '',
      ['options:', line('-h, --help', 'show this help message and exit')].join('\n'),
      '',
    ].join('\n');
  }
  return [
    usageText(program, form),
    `${sentence(form.summary)}\n`,
    ['positional arguments:', line(form.operand.name, form.operand.help)].join('\n'),
    '',
    ['options:', ...form.options.map((option) => line(spelling(option, ' ', 'all'), option.help))].join('\n'),
    '',
  ].join('\n');
}

function spelling(option: OptionEntry, separator: string, which: 'first' | 'all'): string {
  const names = [
    ...(option.short === undefined ? [] : [`-${option.short}`]),
    ...(option.long === undefined ? [] : [`--${option.long}`]),
  ];
  const argument = option.argument === 'none' ? '' : `${separator}${option.argumentName ?? 'ARG'}`;
  const shown = which === 'first' ? names.slice(0, 1) : names;
  return shown.map((name) => `${name}${argument}`).join(', ');
}

function line(term: string, text: string): string {
  const start = `  ${term}`;
  const indent = ' '.repeat(helpColumn);
  const help = wrapText(text, columns - helpColumn).join(`\n${indent}`);
  return start.length < helpColumn - 1 ? `${start.padEnd(helpColumn)}${help}` : `${start}\n${indent}${help}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
