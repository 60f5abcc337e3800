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
  readonly input?: string | Buffer;
  /** Whether standard error is part of the output. */
  readonly mergesErrors?: boolean;
  /** Whether standard error is this process's own; it goes nowhere where neither is said. */
  readonly passesErrors?: boolean;
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
 * Runs a program and waits for it. Where it is not let run to its end it is killed, with
 * what it started.
 * @throws Error with a plain reason: it can't be started, ran too long, printed too much; the signal's reason
 */
export async function runProgram(run: ProgramRun): Promise<ProgramResult> {
  run.signal.throwIfAborted();
  const [program, ...words] = run.argv;
  const child = spawn(program, words, {
    env: { ...run.environment },
    stdio: ['pipe', 'pipe', run.mergesErrors === true ? 'pipe' : run.passesErrors === true ? 'inherit' : 'ignore'],
    // A process group of its own: a script that is killed alone leaves its commands running.
    detached: true,
  });
  // A program that does not read its input closes the pipe: no matter, its exit status tells.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(run.input ?? '');

  const deadline = AbortSignal.timeout(run.timeoutMs);
  const stop = AbortSignal.any([run.signal, deadline]);
  return await new Promise((resolve, reject) => {
    const giveUp = (reason: unknown): void => {
      if (child.pid !== undefined) killGroup(child.pid);
      // Something that left the group may still hold the other end.
      child.stdout?.destroy();
      child.stderr?.destroy();
      reject(reason);
    };
    const onStop = (): void => {
      giveUp(run.signal.aborted ? run.signal.reason : new Error(`it took longer than ${run.timeoutMs / 1000} s`));
    };
    stop.addEventListener('abort', onStop, { once: true });
    const chunks: Buffer[] = [];
    let length = 0;
    const collect = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > run.maxOutputBytes) giveUp(new Error(`it printed more than ${run.maxOutputBytes} bytes`));
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('error', (error) => {
      stop.removeEventListener('abort', onStop);
      giveUp(startFailure(program, error));
    });
    child.on('close', (code, signal) => {
      stop.removeEventListener('abort', onStop);
      const exitStatus = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve({ exitStatus, output: Buffer.concat(chunks) });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

function startFailure(program: string, error: Error): Error {
  const code = 'code' in error ? error.code : undefined;
  const reason = code === 'ENOENT' ? `there is no program ${program} in PATH` : error.message;
  return new Error(reason, { cause: error });
}
