// SPDX-License-Identifier: Apache-2.0
// Copies of this machine's programs and libraries that find one another where they are shown.
import { basename, posix } from 'node:path';
import { describeError, SlipwayError } from '../../model/index.ts';
import { readFileIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { systemSearchPath } from '../../sys/process.ts';
import { runProgram } from '../../sys/run-program.ts';

const maxLibraryBytes = 1 << 30;
const patchTimeoutMs = 60_000;

/**
 * Under the name by which it is asked for, whatever the file is called; gives the copy's path.
 * @throws SlipwayError `inject-missing`
 */
export async function copyLibrary(path: string, directory: string): Promise<string> {
  const bytes = await readFileIfPresent(path, { maxBytes: maxLibraryBytes });
  if (bytes === undefined) throw new SlipwayError('inject-missing', { what: path, reason: 'it has just gone' });
  const copy = posix.join(directory, basename(path));
  await writeFileAtomic(copy, bytes, { mode: 0o755 });
  return copy;
}

/**
 * Changes a copy's run path (DT_RUNPATH: the loader takes what this file needs from there, and nothing else comes with it)
 * or loader. @throws SlipwayError `inject-missing` where patchelf(1) is missing or fails.
 */
export async function patchElf(file: string, words: readonly string[], signal: AbortSignal): Promise<void> {
  const fail = (reason: string, cause?: unknown): never => {
    throw new SlipwayError(
      'inject-missing',
      { what: 'patchelf', reason },
      { cause, hint: 'install patchelf (Debian: apt install patchelf)' },
    );
  };
  const run = {
    argv: ['patchelf', ...words, file],
    environment: { PATH: systemSearchPath },
    mergesErrors: true,
    maxOutputBytes: 64 << 10,
    timeoutMs: patchTimeoutMs,
    signal,
  } as const;
  const { exitStatus, output } = await runProgram(run).catch((cause: unknown) => fail(describeError(cause), cause));
  if (exitStatus !== 0) fail(`${file}: ${output.toString('utf8').trim()}`);
}
