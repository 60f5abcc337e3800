// SPDX-License-Identifier: Apache-2.0
// Processes that a test starts, kills and waits for.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

export type Worker = {
  readonly child: ChildProcess;
  /** The lines that it has written so far, unfinished ones left out. */
  readonly lines: () => readonly string[];
  /** Waits until the lines fulfil a condition; rejects when the process ends first. */
  readonly until: (condition: (lines: readonly string[]) => boolean) => Promise<void>;
  /** How it ended; what it wrote to stderr is in `error`. */
  readonly ended: Promise<{ readonly status: number | null; readonly error: string }>;
  readonly kill: () => void;
};

/** Starts a script of this folder, by the words `before` if any; it is killed with the suite or test at the latest. */
export function startWorker(
  script: string,
  argv: readonly string[],
  user: { readonly uid?: number; readonly gid?: number } = {},
  before: readonly string[] = [],
): Worker {
  const [file = '', ...words] = [...before, process.execPath, resolve(import.meta.dirname, script), ...argv];
  const child = spawn(file, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  let output = '';
  let error = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
  const ended = new Promise<{ readonly status: number | null; readonly error: string }>((settle) => {
    child.once('close', (status) => settle({ status, error }));
  });
  const kill = (): void => void child.kill('SIGKILL');
  after(async () => {
    kill();
    await ended;
  });
  const lines = (): readonly string[] => output.split('\n').slice(0, -1);
  const until = async (condition: (lines: readonly string[]) => boolean): Promise<void> => {
    while (!condition(lines())) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${script} ended early: ${error}${output}`);
      await sleep(2);
    }
  };
  return { child, lines, until, ended, kill };
}
