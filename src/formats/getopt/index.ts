// SPDX-License-Identifier: Apache-2.0
export type { OptionEntry, OptionTable } from './table.ts';
export { optionTableFaults } from './table.ts';
export type { GivenOption, ParsedArguments, ParseRules } from './parse.ts';
export { parseArguments } from './parse.ts';
export { describeGetoptError } from './errors.ts';
export type { CommandDescription, OperandEntry } from './command.ts';
export { optionSpellings } from './command.ts';
export { renderHelp, renderUsage } from './help.ts';
export { manPageName, renderManPage } from './man-page.ts';
export type { CompletionTree } from './completion-tree.ts';
export { renderBashCompletion } from './bash-completion.ts';
export { renderZshCompletion } from './zsh-completion.ts';
export { wrapText } from './wrap-text.ts';
