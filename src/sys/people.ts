// SPDX-License-Identifier: Apache-2.0
// Names and groups of this machine's accounts, asked of the C library's name service without making anyone wait who
// does not need the answer, and kept for a while.
import type { Clock } from './clock.ts';
import { runProgram } from './run-program.ts';

export type People = {
  /** The account's name; the number itself for a uid that nobody knows. */
  readonly nameOf: (uid: number) => Promise<string>;
  readonly groupNameOf: (gid: number) => Promise<string>;
  /** The groups of an account on this machine, its own and the supplementary ones; none for an unknown uid. */
  readonly groupsOf: (uid: number) => Promise<readonly number[]>;
};

const keptMs = 120_000;
const mostKept = 100_000;
const timeoutMs = 20_000;
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };

export function createPeople(clock: Clock): People {
  return {
    nameOf: keeping(clock, async (uid) => (await ask(['getent', 'passwd', String(uid)]))?.split(':')[0] ?? String(uid)),
    groupNameOf: keeping(
      clock,
      async (gid) => (await ask(['getent', 'group', String(gid)]))?.split(':')[0] ?? String(gid),
    ),
    groupsOf: keeping(clock, async (uid) => {
      const name = (await ask(['getent', 'passwd', String(uid)]))?.split(':')[0];
      // Without `--`, a name could be an option.
      const groups = name === undefined ? undefined : await ask(['id', '-G', '--', name]);
      return (groups ?? '')
        .split(/\s+/)
        .filter((word) => /^\d+$/.test(word))
        .map(Number);
    }),
  };
}

async function ask(argv: readonly [string, ...string[]]): Promise<string | undefined> {
  const signal = new AbortController().signal;
  const { exitStatus, output } = await runProgram({ argv, environment, maxOutputBytes: 1 << 20, timeoutMs, signal });
  return exitStatus === 0 ? output.toString('utf8').trim() : undefined;
}

/** Asks once for all who want the same at the same time; a failure is not kept. */
function keeping<Value>(clock: Clock, look: (id: number) => Promise<Value>): (id: number) => Promise<Value> {
  const known = new Map<number, { readonly value: Promise<Value>; readonly untilMs: number }>();
  return async (id) => {
    const now = clock.monotonicMs();
    const held = known.get(id);
    if (held !== undefined && held.untilMs > now) return await held.value;
    if (known.size >= mostKept) known.clear();
    const value = look(id);
    known.set(id, { value, untilMs: now + keptMs });
    try {
      return await value;
    } catch (error) {
      known.delete(id);
      throw error;
    }
  };
}
