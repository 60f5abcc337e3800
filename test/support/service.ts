// SPDX-License-Identifier: Apache-2.0
// A program that runs beside a test (a registry, a daemon): started, awaited until it is ready, ended by its pid.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandOptions } from './command.ts';
import { killGroup } from './command.ts';
import { onEnd } from './on-end.ts';

export type Service = {
  readonly pid: number;
  /** What it has said so far on stdout and stderr. */
  readonly output: () => string;
  /** Asks it to end (SIGTERM, after 5 s SIGKILL) and waits; harmless when it has ended. */
  readonly stop: () => Promise<void>;
};

/**
 * Starts a program and waits until `isReady` answers true (asked every 20 ms, at most `timeoutMs`, 120,000 when left
 * out). It is stopped after the calling suite or test. Rejects with what it said when it ends before it is ready.
 */
export async function startService(
  argv: readonly string[],
  isReady: () => boolean | Promise<boolean>,
  options: Omit<CommandOptions, 'input'> = {},
): Promise<Service> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  const note = (chunk: Buffer): void => {
    said = (said + chunk.toString('utf8')).slice(-100_000);
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failure = error;
      resolve();
    });
    child.once('close', () => resolve());
  });
  const isRunning = (): boolean => failure === undefined && child.exitCode === null && child.signalCode === null;
  const stop = async (): Promise<void> => {
    if (!isRunning()) return;
    killGroup(child.pid, 'SIGTERM');
    const kill = setTimeout(() => killGroup(child.pid, 'SIGKILL'), 5000);
    await ended;
    clearTimeout(kill);
  };
  onEnd(stop);

  const deadline = Date.now() + (options.timeoutMs ?? 120_000);
  while (!(await isReady())) {
    if (!isRunning()) throw new Error(`${argv.join(' ')}: ended before it was ready\n${said}`, { cause: failure });
    if (Date.now() > deadline) throw new Error(`${argv.join(' ')}: not ready in time\n${said}`);
    await delay(20);
  }
  return { pid: child.pid ?? 0, output: () => said, stop };
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
