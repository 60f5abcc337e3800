// SPDX-License-Identifier: Apache-2.0
// What the configuration, and --environ, add to the environment of wrapped programs; and, where a text can't be known
// beforehand, the shell that will have to read it.
import { join } from 'node:path';
import { type EnvironmentEdit, placeMark, SlipwayError } from '../model/index.ts';
import { readFileIfPresent } from '../sys/files.ts';
import { editsOfEnvironText } from './environ-text.ts';
import type { ExtraEnvironment } from './settings.ts';

const maxTextBytes = 1 << 20;

/** Edits with the installation's place as a mark. */
export function markPlace(edits: readonly EnvironmentEdit[], prefix: string): readonly EnvironmentEdit[] {
  const mark = (text: string): string =>
    text
      .split(prefix)
      .reduce(
        (before, after) => (after === '' || /^[/:;, ]/.test(after) ? before + placeMark : before + prefix) + after,
      );
  return edits.map((edit) => ('value' in edit ? { ...edit, value: mark(edit.value) } : edit));
}

export type ExtraEdits = {
  readonly edits: readonly EnvironmentEdit[];
  /** What a shell has to read before each program; '' where nothing is left to it. */
  readonly shellText: string;
};

/** What the configuration adds, and `--environ`. @throws SlipwayError `wrap-source-missing` */
export async function extraEdits(extras: readonly ExtraEnvironment[], workdir: string): Promise<ExtraEdits> {
  const edits: EnvironmentEdit[] = [];
  let shellText = '';
  for (const extra of extras) {
    if ('file' in extra) {
      const text = await readFileIfPresent(join(extra.file.startsWith('/') ? '/' : workdir, extra.file), {
        maxBytes: maxTextBytes,
      });
      if (text === undefined) throw new SlipwayError('wrap-source-missing', { path: extra.file, what: 'file' });
      const known = shellText === '' ? editsOfEnvironText(text.toString()) : undefined;
      if (known === undefined) shellText += `${text.toString()}\n`;
      else edits.push(...known);
      continue;
    }
    const { type, name, value } = extra;
    edits.push(type === 'set' ? { edit: 'set', name, value } : { edit: type, name, value, separator: ':' });
  }
  return { edits, shellText };
}

/** The words that have bash read a text and then become the program: see EXEC_NAMESAKE. */
export function starterFor(shellText: string): readonly string[] {
  if (shellText === '') return [];
  return ['/bin/bash', '-c', `_cw_called=$1; shift\n${shellText}\nexec -a "$_cw_called" "$0" "$@"`];
}
