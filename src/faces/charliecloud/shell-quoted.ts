// SPDX-License-Identifier: Apache-2.0

/** A word as one would type it into a shell: quoted only where that is needed. */
export function shellQuoted(word: string): string {
  return /^[\w%+,./:=@^~-]+$/.test(word) ? word : `"${word.replaceAll(/[!"$\\`]/g, String.raw`\$&`)}"`;
}
