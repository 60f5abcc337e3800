// SPDX-License-Identifier: Apache-2.0
import type { WriteStream } from 'node:tty';
import { systemClock } from '../../sys/clock.ts';
import { currentDirectory } from '../../sys/current-directory.ts';
import type { FaceEnvironment, OutputStream } from './environment.ts';
import { inputStream } from './input.ts';

/** The real one. Call it once: it listens to errors of the process's streams. */
export function processEnvironment(launcher: string): FaceEnvironment {
  return {
    launcher,
    variables: process.env,
    workingDirectory: currentDirectory(),
    uid: process.geteuid?.() ?? 0,
    // Looked at when it is asked for: opening it costs what a pull or a list need not pay.
    get stdin() {
      return inputStream(process.stdin, (signal) => process.kill(process.pid, signal));
    },
    stdout: outputStream(process.stdout),
    stderr: outputStream(process.stderr),
    clock: systemClock,
    every: (intervalMs, action) => {
      const timer = setInterval(action, intervalMs);
      timer.unref();
      return () => clearInterval(timer);
    },
    onSignal: (signal, handler) => {
      process.on(signal, handler);
      return () => process.off(signal, handler);
    },
    raise: (signal) => {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    },
  };
}

/** Of a file or a pipe isTTY is undefined, whatever its type says. */
function outputStream(stream: Omit<WriteStream, 'isTTY'> & { readonly isTTY?: boolean }): OutputStream {
  let failure: { readonly error: unknown } | undefined;
  const handlers: ((error: unknown) => void)[] = [];
  // Without a listener an error of the stream would end the process with a trace.
  stream.on('error', (error) => {
    if (failure !== undefined) return;
    failure = { error };
    for (const handler of handlers) handler(error);
  });
  return {
    write: (text) => {
      if (failure === undefined) stream.write(text);
    },
    flush: () =>
      new Promise((resolve) => {
        if (failure !== undefined) resolve();
        else stream.write('', () => resolve());
      }),
    isTerminal: stream.isTTY ?? false,
    size: () => ({ columns: stream.columns || 80, rows: stream.rows || 24 }),
    onBroken: (handler) => {
      handlers.push(handler);
      if (failure !== undefined) handler(failure.error);
    },
  };
}
