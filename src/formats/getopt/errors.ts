// SPDX-License-Identifier: Apache-2.0
// The ways in which a command line can fail to parse, as values; each face says them in its family's manner.

type GetoptFault =
  /** A long option that no name starts with; `given` is the whole word. */
  | { readonly kind: 'unrecognized'; readonly given: string }
  /** An abbreviation of several options; `given` is the whole word. */
  | { readonly kind: 'ambiguous'; readonly given: string; readonly possibilities: readonly string[] }
  /** `given` is the option's full spelling, `--bind`. */
  | { readonly kind: 'argument-missing' | 'argument-not-allowed'; readonly given: string }
  /** `given` is the letter alone. */
  | { readonly kind: 'invalid-letter' | 'letter-argument-missing'; readonly given: string };

export type GetoptError = GetoptFault & {
  /** Index in argv of the word at fault. */
  readonly argvIndex: number;
};

export function fault(argvIndex: number, what: GetoptFault): GetoptError {
  return { ...what, argvIndex };
}

/** The fault in the words of glibc's getopt, without the program's name before it. */
export function describeGetoptError(error: GetoptError): string {
  switch (error.kind) {
    case 'unrecognized':
      return `unrecognized option '${error.given}'`;
    case 'ambiguous': {
      const possibilities = error.possibilities.map((name) => `'${name}'`).join(' ');
      return `option '${error.given}' is ambiguous; possibilities: ${possibilities}`;
    }
    case 'argument-missing':
      return `option '${error.given}' requires an argument`;
    case 'argument-not-allowed':
      return `option '${error.given}' doesn't allow an argument`;
    case 'invalid-letter':
      return `invalid option -- '${error.given}'`;
    case 'letter-argument-missing':
      return `option requires an argument -- '${error.given}'`;
    default:
      throw new Error(`unknown fault ${String(error satisfies never)}`);
  }
}
