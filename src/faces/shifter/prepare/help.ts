// SPDX-License-Identifier: Apache-2.0
import { type OptionTable, parseArguments } from '../../../formats/getopt/index.ts';

/** Whether the words ask for help, wherever else they go wrong. */
export function isHelpWanted(options: OptionTable, words: readonly string[]): boolean {
  const { options: given } = parseArguments(options, words.slice(1), { mode: 'stop-at-operand' });
  return given.some(({ name }) => name === 'help');
}
