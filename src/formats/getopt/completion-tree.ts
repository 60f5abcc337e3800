// SPDX-License-Identifier: Apache-2.0
// What both completion generators start from.
import type { CommandDescription } from './command.ts';
import type { OptionEntry, OptionTable } from './table.ts';

export type CompletionTree = {
  readonly command: CommandDescription;
  /** Their names begin with the command's and a blank. Empty for a command without subcommands. */
  readonly subcommands: readonly CommandDescription[];
  /** A quick command that prints the names of stored images, one a line: `['slipway', 'images', '--quiet']`. */
  readonly listImages: readonly string[];
};

/** The options that completion offers, each with its spellings, letter first. */
export function shownOptions(
  table: OptionTable,
): readonly { readonly option: OptionEntry; readonly names: readonly string[] }[] {
  return table
    .filter((option) => option.hidden !== true)
    .map((option) => ({
      option,
      names: [
        ...(option.short === undefined ? [] : [`-${option.short}`]),
        ...(option.long === undefined ? [] : [`--${option.long}`]),
      ],
    }));
}

/** Words that need no quoting, as a shell command. Programmers write these, so anything else is their error. */
export function argumentWords(words: readonly string[]): string {
  const odd = words.find((word) => !/^[A-Za-z0-9_./-]+$/.test(word));
  if (odd !== undefined) throw new Error(`"${odd}" can't stand unquoted in a completion script`);
  return words.join(' ');
}
