// SPDX-License-Identifier: Apache-2.0
// A command as its documentation needs it: --help, the man page and shell completion are generated from this.
import type { ParseRules } from './parse.ts';
import type { Completion, OptionEntry, OptionTable } from './table.ts';

export type OperandEntry = {
  readonly name: string;
  readonly help: string;
  readonly isOptional?: boolean;
  readonly isRepeated?: boolean;
  readonly completion?: Completion;
};

/** `Name` are the names of its options. */
export type CommandDescription<Name extends string = string> = {
  /** As it is typed, `slipway pull`. */
  readonly name: string;
  /** What it does, as a verb phrase without a capital or a full stop. */
  readonly summary: string;
  /** Paragraphs of plain text. */
  readonly description: readonly string[];
  /** What follows the name in the usage lines; made from options and operands if absent. */
  readonly usage?: readonly string[];
  readonly operands: readonly OperandEntry[];
  readonly options: OptionTable<Name>;
  readonly rules: ParseRules;
  readonly subcommands?: readonly { readonly name: string; readonly summary: string }[];
  readonly examples: readonly { readonly command: string; readonly help: string }[];
  /** Further headed parts, after the options: environment, files, exit status. Each item is `term: text`. */
  readonly sections?: readonly {
    readonly title: string;
    readonly items: readonly { readonly term: string; readonly help: string }[];
  }[];
};

/** What follows the command's name, one string for each form. */
export function usageForms(command: CommandDescription): readonly string[] {
  if (command.usage !== undefined) return command.usage;
  const operands = command.operands.map((operand) => {
    const name = operand.isRepeated === true ? `${operand.name}...` : operand.name;
    return operand.isOptional === true ? `[${name}]` : name;
  });
  return [[...(command.options.length > 0 ? ['[OPTION...]'] : []), ...operands].join(' ')];
}

/** Options that documentation shows, under the headings of their groups, in the order in which groups first appear. */
export function optionGroups(
  table: OptionTable,
): readonly { readonly title: string; readonly options: readonly OptionEntry[] }[] {
  const shown = table.filter((option) => option.hidden !== true);
  return [...Map.groupBy(shown, (option) => option.group ?? 'Options')].map(([title, options]) => ({ title, options }));
}

/** `-b, --bind=SRC[:DST]`, or its parts without the argument. */
export function optionSpellings(option: OptionEntry): { readonly names: readonly string[]; readonly argument: string } {
  const names = [
    ...(option.short === undefined ? [] : [`-${option.short}`]),
    ...(option.long === undefined ? [] : [`--${option.long}`]),
  ];
  const argument = option.argumentName ?? 'ARG';
  switch (option.argument) {
    case 'none':
      return { names, argument: '' };
    case 'required':
      return { names, argument: option.long === undefined ? ` ${argument}` : `=${argument}` };
    case 'optional':
      return { names, argument: option.long === undefined ? `[${argument}]` : `[=${argument}]` };
    default:
      throw new Error(`unknown kind of argument ${String(option.argument satisfies never)}`);
  }
}
