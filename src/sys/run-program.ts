// SPDX-License-Identifier: Apache-2.0
// Running a small program to its end: words, never a shell; an environment that the caller spells out; bounded output
// and time. For programs that ask questions or stream data this is not the place.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

export type ProgramRun = {
  /** The program, looked up in the PATH of `environment` where it has no slash, and its arguments. */
  readonly argv: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What it reads on standard input. */
  readonly input?: string;
  /** Whether standard error is part of the output; otherwise it goes nowhere. */
  readonly mergesErrors?: boolean;
  /** Of the output; a program that prints more is killed. */
  readonly maxOutputBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

export type ProgramResult = {
  /** As a shell gives it: 128 + N for a program that signal N ended. */
  readonly exitStatus: number;
  readonly output: Buffer;
};

/**
 * Runs a program and waits for it. When it is over, for whatever reason, the program is
 * dead.
 * @throws Error with a plain reason: it can't be started, ran too long, printed too much; the signal's reason
 */
export async function runProgram(run: ProgramRun): Promise<ProgramResult> {
  run.signal.throwIfAborted();
  const deadline = AbortSignal.timeout(run.timeoutMs);
  const [program, ...words] = run.argv;
  const child = spawn(program, words, {
    env: { ...run.environment },
    stdio: ['pipe', 'pipe', run.mergesErrors === true ? 'pipe' : 'ignore'],
    signal: AbortSignal.any([run.signal, deadline]),
    killSignal: 'SIGKILL',
  });
  // A program that does not read its input closes the pipe: no matter, its exit status tells.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(run.input ?? '');

  const chunks: Buffer[] = [];
  let length = 0;
  let isTooMuch = false;
  const collect = (chunk: Buffer): void => {
    length += chunk.length;
    if (length <= run.maxOutputBytes) chunks.push(chunk);
    else {
      isTooMuch = true;
      child.kill('SIGKILL');
    }
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  return await new Promise((resolve, reject) => {
    let failure: Error | undefined;
    const fail = (error: Error): void => {
      failure ??= error;
      // Without a process there will be no 'close'.
      if (child.pid === undefined) reject(failure);
    };
    child.on('error', (error) => {
      if (run.signal.aborted) fail(run.signal.reason as Error);
      else if (deadline.aborted) fail(new Error(`it took longer than ${run.timeoutMs / 1000} s`));
      else fail(startFailure(program, error));
    });
    child.on('close', (code, signal) => {
      if (failure !== undefined) reject(failure);
      else if (isTooMuch) reject(new Error(`it printed more than ${run.maxOutputBytes} bytes`));
      else
        resolve({
          exitStatus: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
          output: Buffer.concat(chunks),
        });
    });
  });
}

function startFailure(program: string, error: Error): Error {
  const code = 'code' in error ? error.code : undefined;
  const reason = code === 'ENOENT' ? `there is no program ${program} in PATH` : error.message;
  return new Error(reason, { cause: error });
}
