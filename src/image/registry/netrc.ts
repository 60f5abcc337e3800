// SPDX-License-Identifier: Apache-2.0
// A .netrc, by the grammar of ftp(1) as curl and git read it: words, some of them in double quotes.
import type { Credentials } from './credentials-file.ts';

const word = /"((?:[^"\\]|\\.)*)"|(\S+)/g;

/**
 * The name and password for a registry's host; an entry is for all of a host's ports unless it names one. An entry
 * `default` is nobody's: it would show a password to every registry that asks. Never throws.
 */
export function findInNetrc(text: string, registry: string): Credentials | undefined {
  const host = registry.replace(/:\d+$/, '');
  let best: Credentials | undefined;
  for (const { machine, login, password } of readEntries(text)) {
    if (login === undefined || password === undefined) continue;
    const credentials: Credentials = { kind: 'password', username: login, password };
    if (machine === registry) return credentials;
    if (machine === host) best ??= credentials;
  }
  return best;
}

type Entry = { readonly machine: string; login?: string; password?: string };

function readEntries(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  // A macro goes on up to the next empty line.
  const withoutMacros = text
    .replaceAll(/^[ \t]*macdef\b[\s\S]*?(?:\n[ \t]*\n|$(?![\s\S]))/gm, '\n')
    .replaceAll(/^[ \t]*#.*$/gm, '');
  const words = [...withoutMacros.matchAll(word)].map(
    ([, quoted, plain]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '',
  );
  let isDefault = true;
  for (let at = 0; at < words.length; at += 1) {
    const entry = entries.at(-1);
    const next = words[at + 1];
    switch (words[at] ?? '') {
      case 'machine':
        isDefault = false;
        entries.push({ machine: next ?? '' });
        break;
      case 'default':
        isDefault = true;
        continue;
      case 'login':
        if (!isDefault && entry !== undefined && next !== undefined) entry.login ??= next;
        break;
      case 'password':
        if (!isDefault && entry !== undefined && next !== undefined) entry.password ??= next;
        break;
      case 'account':
        break;
      default:
        continue;
    }
    at += 1;
  }
  return entries;
}
