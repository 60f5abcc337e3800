// SPDX-License-Identifier: Apache-2.0
import { runProgram } from '../../sys/run-program.ts';

/** The ids of a list of names and numbers; names that nobody knows and 0 are dropped, as Shifter does. */
export async function readIds(
  list: string,
  database: 'passwd' | 'group',
  signal: AbortSignal,
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const word of list.split(',').map((each) => each.trim())) {
    if (word === '') continue;
    const id = /^\d{1,10}$/.test(word) ? Number(word) : await idOf(word, database, signal);
    if (id !== undefined && id !== 0) ids.push(id);
  }
  return ids;
}

async function idOf(name: string, database: string, signal: AbortSignal): Promise<number | undefined> {
  const { exitStatus, output } = await runProgram({
    argv: ['getent', '--', database, name],
    environment: { PATH: '/usr/bin:/bin' },
    maxOutputBytes: 1 << 20,
    timeoutMs: 20_000,
    signal,
  });
  const id = Number(output.toString('utf8').split(':')[2] ?? Number.NaN);
  return exitStatus === 0 && Number.isSafeInteger(id) ? id : undefined;
}
