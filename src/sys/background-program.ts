// SPDX-License-Identifier: Apache-2.0
// A server that is left to itself, in a session of its own, once it answers.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const pauseMs = 20;
const connectTimeoutMs = 2000;

/**
 * Starts a program that listens on a port of this machine, and returns when someone there says a first word: all servers of
 * SSH do.
 * @throws Error with a plain reason where it ends before, or does not answer in time; in the latter case it is ended.
 */
export async function startServer(run: {
  readonly argv: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly port: number;
  readonly timeoutMs: number;
}): Promise<void> {
  const { argv, environment, port, timeoutMs } = run;
  const [program, ...words] = argv;
  const child = spawn(program, words, { env: { ...environment }, cwd: '/', stdio: 'ignore', detached: true });
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once(
    'exit',
    (status, signal) => (failure = signal === null ? `it ended with ${status}` : `${signal} ended it`),
  );
  const deadline = AbortSignal.timeout(timeoutMs);
  while (failure === undefined && !(await speaks(port))) {
    if (deadline.aborted) {
      child.kill('SIGKILL');
      failure = `nothing answers on port ${port} after ${timeoutMs / 1000} s`;
    } else await sleep(pauseMs);
  }
  if (failure !== undefined) throw new Error(failure);
  child.unref();
}

/** Whether somebody who listens there says something. */
export async function speaks(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    return await new Promise((resolve) => {
      socket.setTimeout(connectTimeoutMs, () => resolve(false));
      socket.once('data', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}
