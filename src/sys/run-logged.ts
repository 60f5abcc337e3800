// SPDX-License-Identifier: Apache-2.0
// Long work of other programs (installers, build scripts) in a process group of its own: what they say is passed on as
// it comes, and when the work is given up all that they started goes with them.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { attempting } from './file-errors.ts';

export type LoggedRun = {
  /** The program's absolute path, then its arguments. */
  readonly argv: readonly [string, ...string[]];
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Pieces of what it says, on standard output and standard error. */
  readonly onOutput: (text: string, stream: 'stdout' | 'stderr') => void;
  /** Ends the group: SIGTERM, and SIGKILL after `graceMs`. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
};

/**
 * Runs a program with nothing on its standard input, and gives its exit status as a shell does: 128 + N for signal N.
 * @throws the signal's reason once all of the group is gone; `toFileError`'s where the program can't be started.
 */
export async function runLogged(run: LoggedRun): Promise<number> {
  run.signal.throwIfAborted();
  const [program, ...words] = run.argv;
  const child = spawn(program, words, {
    cwd: run.directory,
    env: { ...run.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    shell: false,
  });
  const ended = new Promise<number>((resolve) => {
    child.once('close', (status, name) => resolve(status ?? 128 + (name === null ? 0 : constants.signals[name])));
    child.once('error', () => resolve(127));
  });
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => run.onOutput(text, stream));
  }
  let killer: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(child.pid, 'SIGTERM');
    killer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), run.graceMs);
  };
  run.signal.addEventListener('abort', end, { once: true });
  try {
    await attempting(
      'start the program',
      program,
      () => new Promise((resolve, reject) => void child.once('spawn', () => resolve(undefined)).once('error', reject)),
    );
    const status = await ended;
    // What it left behind in its group would write into a build that is taken for finished.
    signalGroup(child.pid, 'SIGKILL');
    run.signal.throwIfAborted();
    return status;
  } finally {
    clearTimeout(killer);
    run.signal.removeEventListener('abort', end);
  }
}

function signalGroup(leader: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // There is nobody left in it.
  }
}
