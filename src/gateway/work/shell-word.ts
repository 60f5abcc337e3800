// SPDX-License-Identifier: Apache-2.0

/** A word of a POSIX shell, whatever is in it. */
export function shellWord(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
