// SPDX-License-Identifier: Apache-2.0
// Scripts of Python that find their interpreter by a shell, because their `#!` line would be too long or have blanks in it:
// as pip (distlib), uv and conda write them. The path in them is made one that holds wherever the installation stands by
// then; with `#!` lines themselves the launcher does that.
import { join } from 'node:path';
import { listDirectoryIfPresentSync, readFileIfPresent, writeFileAtomic } from '../sys/files.ts';
import { statFollowed } from '../sys/place-files.ts';
import { shellWord } from './install-script.ts';

const maxScriptBytes = 1 << 16;

/** Changes the scripts in `bin` of what was installed for `prefix` and stands at `contentAt` as yet. */
export async function relocateScripts(contentAt: string, prefix: string): Promise<void> {
  const directory = join(contentAt, 'bin');
  for (const name of listDirectoryIfPresentSync(directory) ?? []) {
    const path = join(directory, name);
    const stats = statFollowed(path);
    if (stats?.isFile() !== true || stats.size > maxScriptBytes) continue;
    const text = (await readFileIfPresent(path, { maxBytes: maxScriptBytes }))?.toString('latin1') ?? '';
    const changed = relocatedScript(text, prefix);
    if (changed !== undefined)
      await writeFileAtomic(path, Buffer.from(changed, 'latin1'), { mode: stats.mode & 0o7777 });
  }
}

/**
 * A script that looks for its interpreter where it was installed, and else in the installation that started it
 * (`env_root`). To Python all of that stays within one text that nothing uses.
 * @param text bytes as Latin-1, so that whatever they are comes through
 * @returns undefined for scripts of any other kind
 */
export function relocatedScript(text: string, prefix: string): string | undefined {
  const place = Buffer.from(prefix).toString('latin1');
  const match = /^(#!\/bin\/sh\n'''exec' )(["']?)([^\n]*)\/bin\/(python[0-9.]*)\2( "\$0" "\$@")/.exec(text);
  const [whole, start = '', quote = '', given, program = '', end = ''] = match ?? [];
  const isOurs = given === place || (quote === "'" && `'${given ?? ''}'` === shellWord(place));
  if (whole === undefined || !isOurs) return undefined;
  const own = shellWord(place);
  const found = `"$(if [ -x ${own}/bin/${program} ]; then printf %s ${own}; else printf %s "$env_root"; fi)/bin/${program}"`;
  return found.includes("'''") ? undefined : `${start}${found}${end}${text.slice(whole.length)}`;
}
