// SPDX-License-Identifier: Apache-2.0
// Reads a command line as glibc's getopt_long(3) does, which GNU argp builds on too: clusters, glued and separate
// arguments, unambiguous abbreviations, `--`, permutation or stopping at the first operand. Unlike getopt it changes nothing,
// stops at the first fault, and says which words decided the result (the launcher's memo needs that).
import { type GetoptError, fault } from './errors.ts';
import { type OptionEntry, type OptionName, type OptionTable, longNames, optionName } from './table.ts';

export type ParseRules = {
  /**
   * - `permute`: options are recognised among and after operands, until `--` (GNU's default);
   * - `stop-at-operand`: the first operand, or the last of `leadingOperands`, ends the options (getopt's `+`).
   */
  readonly mode: 'permute' | 'stop-at-operand';
  /** Operands that come before the words of a command: 1 for `IMAGE [COMMAND [ARG]…]`. Default 0. */
  readonly leadingOperands?: number;
  /**
   * With `stop-at-operand`: whether a `--` right after the last leading operand separates and is dropped
   * (`IMAGE -- ls`). Otherwise it is the command's first word, as getopt has it.
   */
  readonly dropsSeparatorAfterOperands?: boolean;
};

export type GivenOption<Name extends string = string> = {
  readonly name: Name;
  readonly option: OptionEntry;
  /** Undefined where the option takes none or its optional argument was left out; `--opt=` gives ''. */
  readonly value: string | undefined;
  /** Index in argv of the word that holds the option itself. */
  readonly argvIndex: number;
};

type Read<Name extends string> = {
  /** In the order of the command line. */
  readonly options: readonly GivenOption<Name>[];
  readonly operands: readonly string[];
};

export type ParsedArguments<Name extends string = string> = Read<Name> & {
  readonly ok: true;
  /**
   * Number of leading words of argv up to the command: `argv.slice(consumed)` equals
   * `operands.slice(leadingOperands)`. Where options stand among the command's words, it is argv's whole length.
   */
  readonly consumed: number;
  /**
   * What ended the reading of options: a `--`, an operand, or the end of argv. With `end`, other words in the place of
   * the command would have been read as options if they start with a dash; with `operand` and no separator, a first
   * word `--` would have been dropped if the rules say so; otherwise any words there would be the command.
   */
  readonly endedBy: 'separator' | 'operand' | 'end';
  /** Whether a `--` separated. */
  readonly hasSeparator: boolean;
};

/** What was read before the first fault: `--version --nosuch` still asks for the version in some families. */
export type FailedArguments<Name extends string = string> = Read<Name> & {
  readonly ok: false;
  readonly error: GetoptError;
};

export type ParseResult<Name extends string = string> = ParsedArguments<Name> | FailedArguments<Name>;

/**
 * Reads `argv` (without the program's name) by `table`.
 * @example
 * const parsed = parseArguments([{ long: 'bind', short: 'b', argument: 'required', help: '' }], ['-ba', 'img'], { mode: 'permute' });
 * // parsed.ok, parsed.options[0].name === 'bind', parsed.options[0].value === 'a', parsed.operands[0] === 'img'
 */
export function parseArguments<const Entry extends OptionEntry>(
  table: readonly Entry[],
  argv: readonly string[],
  rules: ParseRules,
): ParseResult<OptionName<Entry>> {
  const leadingOperands = rules.leadingOperands ?? 0;
  const options: GivenOption<OptionName<Entry>>[] = [];
  const operandIndexes: number[] = [];
  let endedBy: ParsedArguments['endedBy'] = 'end';
  let hasSeparator = false;
  let lastOptionWord = -1;
  let index = 0;

  while (index < argv.length) {
    const word = argv[index] ?? '';
    if (word === '--') {
      index += 1;
      endedBy = 'separator';
      hasSeparator = true;
      lastOptionWord = index - 1;
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      if (rules.mode === 'stop-at-operand' && operandIndexes.length >= leadingOperands) {
        endedBy = 'operand';
        break;
      }
      operandIndexes.push(index);
      index += 1;
      if (rules.mode === 'stop-at-operand' && operandIndexes.length === leadingOperands) {
        endedBy = 'operand';
        if (rules.dropsSeparatorAfterOperands === true && argv[index] === '--') {
          hasSeparator = true;
          lastOptionWord = index;
          index += 1;
        }
        break;
      }
      continue;
    }
    const read = word.startsWith('--') ? readLong(table, argv, index) : readCluster(table, argv, index);
    for (const { option, value } of read.found) {
      options.push({ name: optionName(option) as OptionName<Entry>, option, value, argvIndex: index });
    }
    if (read.error !== undefined) {
      return { ok: false, error: read.error, options, operands: operandIndexes.map((at) => argv[at] ?? '') };
    }
    lastOptionWord = read.nextIndex - 1;
    index = read.nextIndex;
  }
  for (; index < argv.length; index += 1) operandIndexes.push(index);

  const command = operandIndexes[leadingOperands] ?? argv.length;
  return {
    ok: true,
    options,
    operands: operandIndexes.map((at) => argv[at] ?? ''),
    consumed: command > lastOptionWord ? command : argv.length,
    endedBy,
    hasSeparator,
  };
}

type WordRead = {
  readonly found: readonly { readonly option: OptionEntry; readonly value: string | undefined }[];
  readonly nextIndex: number;
  readonly error?: GetoptError;
};

function readLong(table: OptionTable, argv: readonly string[], index: number): WordRead {
  const word = argv[index] ?? '';
  const equals = word.indexOf('=');
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const glued = equals < 0 ? undefined : word.slice(equals + 1);
  const names = longNames(table);
  const candidates = names.filter((candidate) => candidate.name.startsWith(name));
  const chosen = candidates.find((candidate) => candidate.name === name) ?? candidates[0];
  if (chosen === undefined) return failed(index, fault(index, { kind: 'unrecognized', given: word }));
  // Two names of one option are no ambiguity; getopt lists the first match and all that differ from it.
  const others = candidates.filter((candidate) => candidate.option !== chosen.option);
  if (chosen.name !== name && others.length > 0) {
    const possibilities = [chosen, ...others].map((candidate) => `--${candidate.name}`);
    return failed(index, fault(index, { kind: 'ambiguous', given: word, possibilities }));
  }

  const { option } = chosen;
  const spelling = `--${chosen.name}`;
  if (option.argument === 'none' && glued !== undefined) {
    return failed(index, fault(index, { kind: 'argument-not-allowed', given: spelling }));
  }
  if (option.argument !== 'required' || glued !== undefined) {
    return { found: [{ option, value: glued }], nextIndex: index + 1 };
  }
  const value = argv[index + 1];
  if (value === undefined) return failed(index, fault(index, { kind: 'argument-missing', given: spelling }));
  return { found: [{ option, value }], nextIndex: index + 2 };
}

function readCluster(table: OptionTable, argv: readonly string[], index: number): WordRead {
  const found: { option: OptionEntry; value: string | undefined }[] = [];
  let rest = (argv[index] ?? '').slice(1);
  while (rest !== '') {
    const letter = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    rest = rest.slice(letter.length);
    const option = table.find((candidate) => candidate.short === letter);
    if (option === undefined) {
      return { found, nextIndex: index, error: fault(index, { kind: 'invalid-letter', given: letter }) };
    }
    if (option.argument === 'none') {
      found.push({ option, value: undefined });
      continue;
    }
    if (rest !== '' || option.argument === 'optional') {
      found.push({ option, value: rest === '' ? undefined : rest });
      return { found, nextIndex: index + 1 };
    }
    const value = argv[index + 1];
    if (value === undefined) {
      return { found, nextIndex: index, error: fault(index, { kind: 'letter-argument-missing', given: letter }) };
    }
    found.push({ option, value });
    return { found, nextIndex: index + 2 };
  }
  return { found, nextIndex: index + 1 };
}

function failed(index: number, error: GetoptError): WordRead {
  return { found: [], nextIndex: index, error };
}
