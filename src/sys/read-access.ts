// SPDX-License-Identifier: Apache-2.0
// Who may read a file, beside its owner: access lists (acl(5)), where single users and groups are meant.
import { chmod, stat } from 'node:fs/promises';
import { SlipwayError } from '../model/index.ts';
import { attempting } from './file-errors.ts';
import { runProgram } from './run-program.ts';

export type Readers = { readonly users: readonly number[]; readonly groups: readonly number[] };

const timeoutMs = 30_000;
const environment = { PATH: '/usr/bin:/bin:/usr/local/bin', LC_ALL: 'C' };

/**
 * Lets these users and groups read a file, and nobody else but its owner. The file is closed to all others before it is
 * opened to these, and stays closed where that fails.
 * @throws SlipwayError `access-unenforceable` where access lists can't be had; as `toFileError`
 */
export async function restrictToReaders(path: string, readers: Readers, signal: AbortSignal): Promise<void> {
  await attempting('set the mode of', path, () => chmod(path, 0o400));
  const entries = [
    ...readers.users.map((uid) => `user:${uid}:r--`),
    ...readers.groups.map((gid) => `group:${gid}:r--`),
  ];
  if (entries.length === 0) return;
  const fail = (reason: string, cause?: unknown): SlipwayError =>
    new SlipwayError('access-unenforceable', { path, reason }, { cause });
  let result;
  try {
    // -b removes what was allowed before; -m sets the mask to what the entries need.
    result = await runProgram({
      argv: ['setfacl', '-b', '-m', entries.join(','), '--', path],
      environment,
      mergesErrors: true,
      maxOutputBytes: 64 * 1024,
      timeoutMs,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
  if (result.exitStatus !== 0) {
    const said = result.output.toString('utf8').trim().split('\n', 1)[0] ?? '';
    throw fail(said.replace(`setfacl: ${path}: `, '') || `setfacl ended with status ${result.exitStatus}`);
  }
}

/** Lets everybody read a file. Entries for single users and groups allow nothing more than that. */
export async function openToEveryone(path: string): Promise<void> {
  await attempting('set the mode of', path, () => chmod(path, 0o444));
}

/** Closes a directory to all but its owner and group. */
export async function closeToOthers(directory: string): Promise<void> {
  await attempting('set the mode of', directory, async () => {
    const { mode } = await stat(directory);
    if ((mode & 0o007) !== 0) await chmod(directory, mode & 0o7770);
  });
}
