// SPDX-License-Identifier: Apache-2.0
export type { Completion, OptionEntry, OptionName, OptionTable } from './table.ts';
export { optionName, optionTableFaults } from './table.ts';
export type { FailedArguments, GivenOption, ParsedArguments, ParseResult, ParseRules } from './parse.ts';
export { parseArguments } from './parse.ts';
export type { GetoptError } from './errors.ts';
export { describeGetoptError } from './errors.ts';
