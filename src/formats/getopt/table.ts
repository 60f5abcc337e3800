// SPDX-License-Identifier: Apache-2.0
// What a command accepts, as data. One table drives parsing, --help, the man page and shell completion, so that these
// can't disagree.

/** What a shell should offer for an argument: paths, names of stored images, or fixed words. */
export type Completion = 'file' | 'directory' | 'image' | 'image-or-file' | 'command' | readonly string[];

type OptionNames<Name extends string> =
  | {
      /** Without the dashes. */
      readonly long: Name;
      /** One character, without the dash. */
      readonly short?: string;
    }
  | { readonly long?: undefined; readonly short: Name };

/** `Name` are the names by which a parse result tells options apart: see `OptionName`. */
export type OptionEntry<Name extends string = string> = OptionNames<Name> & {
  /** More long names of the same option: accepted and abbreviated like `long`, not shown in help. */
  readonly aliases?: readonly string[];
  /**
   * - `none`: a switch;
   * - `required`: `--opt=ARG`, `--opt ARG`, `-oARG` or `-o ARG`;
   * - `optional`: only `--opt=ARG` or `-oARG`; the next word is never taken.
   */
  readonly argument: 'none' | 'required' | 'optional';
  /** How help calls the argument; `ARG` if absent. */
  readonly argumentName?: string;
  /** Sentence fragments without a capital or a full stop, as help shows them. */
  readonly help: string;
  /** Heading under which help lists the option. */
  readonly group?: string;
  /** Accepted, but in no help, man page or completion. */
  readonly hidden?: boolean;
  /** First version that has it, for families whose commands differ by version. */
  readonly since?: string;
  readonly completion?: Completion;
};

export type OptionTable<Name extends string = string> = readonly OptionEntry<Name>[];

/** The name that a parse result carries: the long one, or the letter of an option that has no long one. */
export type OptionName<Entry extends OptionEntry> = Entry extends { readonly long: infer Long extends string }
  ? Long
  : Entry['short'] & string;

/** `long`, or the letter of an option without one. */
export function optionName(option: OptionEntry): string {
  return option.long ?? option.short;
}

/** Each long name of the table with its option, in the table's order: getopt lists possibilities in this order. */
export function longNames(table: OptionTable): readonly { readonly name: string; readonly option: OptionEntry }[] {
  return table.flatMap((option) =>
    [...(option.long === undefined ? [] : [option.long]), ...(option.aliases ?? [])].map((name) => ({ name, option })),
  );
}

/** What is wrong with a table, for the test of whoever writes one: names used twice or that getopt can't take. */
export function optionTableFaults(table: OptionTable): readonly string[] {
  const faults: string[] = [];
  const seen = new Set<string>();
  const note = (spelling: string): void => {
    if (seen.has(spelling)) faults.push(`${spelling} is there twice`);
    seen.add(spelling);
  };
  for (const { name } of longNames(table)) {
    note(`--${name}`);
    if (!/^[^\s=-][^\s=]*$/.test(name)) faults.push(`"${name}" can't be a long name`);
  }
  for (const option of table) {
    if (option.short !== undefined) {
      note(`-${option.short}`);
      if (!/^[!-~]$/.test(option.short) || ':;-'.includes(option.short)) {
        faults.push(`"${option.short}" can't be an option letter`);
      }
    }
    if (option.argument === 'none' && (option.argumentName ?? option.completion) !== undefined) {
      faults.push(`${optionName(option)} takes no argument but describes one`);
    }
  }
  return faults;
}
