// SPDX-License-Identifier: Apache-2.0
// Programs that run beside a test and talk with it by lines.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestUser } from '../support/user.ts';

export type Talk = {
  readonly pid: number;
  /** The next line of stdout; undefined at its end. */
  readonly line: () => Promise<string | undefined>;
  /** Writes a line to stdin. */
  readonly tell: (line: string) => void;
  /** Closes stdin. */
  readonly release: () => void;
  /** When the program has ended. */
  readonly end: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
};

/** Starts a program as the test user, in its home. stderr is the test's own. */
export function talkWith(
  user: TestUser,
  argv: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>> } = {},
): Talk {
  const [file = '', ...args] = user.command(argv);
  const child = spawn(file, args, {
    env: { ...user.env, ...options.env },
    cwd: user.home,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // It may end without reading.
  child.stdin.on('error', () => undefined);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const end = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => resolve({ status, signal }));
  });
  return {
    pid: child.pid ?? 0,
    line: async () => {
      const next = await lines.next();
      return next.done === true ? undefined : next.value;
    },
    tell: (line) => void child.stdin.write(`${line}\n`),
    release: () => void child.stdin.end(),
    end,
  };
}
