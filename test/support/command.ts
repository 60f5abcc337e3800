// SPDX-License-Identifier: Apache-2.0
// Running a program from a test: everything it said, or a failure that shows everything it said.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export type CommandResult = {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type CommandOptions = {
  readonly cwd?: string;
  /** The whole environment; the test's own when left out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Given on stdin, which is otherwise /dev/null. */
  readonly input?: string | Buffer;
  /** 120,000 when left out; then the program's whole process group is killed and the promise rejects. */
  readonly timeoutMs?: number;
};

/** Runs a program to its end, whatever its status. Rejects when it can't be started or takes too long. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? 120_000;
  // Its own process group, so that a time-out also ends what it started.
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const { stdout: out, stderr: err } = child;
  if (out === null || err === null) throw new Error('spawn made no pipes');
  if (child.stdin !== null) {
    // A program may end without reading its input: EPIPE is its own affair.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
  }
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child.pid, 'SIGKILL');
  }, timeoutMs);
  try {
    const closed = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve({ status, signal }));
    });
    const [end, stdout, stderr] = await Promise.all([closed, text(out), text(err)]);
    const result = { ...end, stdout, stderr };
    if (isLate) throw new Error(describe(argv, result, `was killed after ${timeoutMs} ms`));
    return result;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a program that must end with status 0, and gives its stdout. */
export async function runOk(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.status !== 0) throw new Error(describe(argv, result, 'failed'));
  return result.stdout;
}

/** Sends a signal to a process group that may be gone already. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function describe(argv: readonly string[], result: CommandResult, what: string): string {
  const end = result.signal === null ? `status ${result.status}` : `signal ${result.signal}`;
  return [
    `${argv.join(' ')}: ${what} (${end})`,
    ...(result.stdout === '' ? [] : ['--- stdout', result.stdout.trimEnd()]),
    ...(result.stderr === '' ? [] : ['--- stderr', result.stderr.trimEnd()]),
  ].join('\n');
}
