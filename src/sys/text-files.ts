// SPDX-License-Identifier: Apache-2.0
// Texts that have to stand in files for as long as another program reads them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes texts by name into a directory that only this user can read, runs `use` with their paths, and removes them. */
export async function withTextFiles<Result>(
  texts: Readonly<Record<string, string>>,
  use: (paths: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-texts-'));
  try {
    const paths = Object.entries(texts).map(([name]) => [name, join(directory, name)] as const);
    for (const [name, path] of paths) await writeFile(path, texts[name] ?? '', { flag: 'wx', mode: 0o600 });
    return await use(Object.fromEntries(paths));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
