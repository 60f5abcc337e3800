// SPDX-License-Identifier: Apache-2.0
// The mount hook's command line: --mount and --device, each any number of times, with their value in the same word behind
// "=" or in the next, and shortened as far as they can be told apart. Words that are no options mean nothing.

export type HookWords = { readonly mounts: readonly string[]; readonly devices: readonly string[] };

export type HookWordsResult =
  | { readonly ok: true; readonly words: HookWords }
  | { readonly ok: false; readonly reason: string };

const names = ['mount', 'device'] as const;

/** Reads the words behind the program's name. */
export function readHookWords(argv: readonly string[]): HookWordsResult {
  const fail = (reason: string): HookWordsResult => ({ ok: false, reason });
  const found = { mount: [] as string[], device: [] as string[] };
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--') break;
    if (!word.startsWith('-') || word === '-') continue;
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const meant = word.startsWith('--') ? names.filter((each) => each.startsWith(name)) : [];
    const [option, ...others] = meant;
    if (option === undefined || others.length > 0) return fail(`"${word}" is no option: --mount and --device are`);
    if (equals >= 0) {
      const value = word.slice(equals + 1);
      if (value === '') return fail(`"${word}" has no value`);
      found[option].push(value);
      continue;
    }
    index += 1;
    const value = argv[index];
    if (value === undefined) return fail(`"${word}" has no value`);
    found[option].push(value);
  }
  return { ok: true, words: { mounts: found.mount, devices: found.device } };
}
