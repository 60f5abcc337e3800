// SPDX-License-Identifier: Apache-2.0
// A face's environment for tests: output is collected, time stands still until it is moved.
import type { InputStream } from '../input.ts';
import type { FaceEnvironment, OutputStream, TerminationSignal } from '../environment.ts';

export type FakeStream = OutputStream & {
  readonly text: () => string;
  /** As if writing had failed. */
  readonly break: (error: Error) => void;
  readonly resize: (columns: number, rows: number) => void;
};

export type FakeEnvironment = FaceEnvironment & {
  readonly stdout: FakeStream;
  readonly stderr: FakeStream;
  /** Lets time pass; what is due in it happens. */
  readonly pass: (durationMs: number) => void;
  readonly send: (signal: TerminationSignal) => void;
  readonly raised: readonly TerminationSignal[];
};

export type FakeOptions = {
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly variables?: Readonly<Record<string, string>>;
  /** What a pipe on stdin holds; else it is a terminal on which these lines are typed. */
  readonly stdin?: string | readonly string[];
};

export function fakeEnvironment(options: FakeOptions = {}): FakeEnvironment {
  let nowMs = 0;
  const tickers = new Set<{ readonly intervalMs: number; readonly action: () => void; dueMs: number }>();
  const handlers = new Map<TerminationSignal, Set<() => void>>();
  const raised: TerminationSignal[] = [];
  return {
    variables: { TERM: 'xterm', LANG: 'C.UTF-8', ...options.variables },
    launcher: '/opt/slipway/bin/slipway',
    workingDirectory: '/work',
    uid: 1000,
    stdin: fakeInput(options.stdin ?? ''),
    stdout: fakeStream(options),
    stderr: fakeStream(options),
    clock: {
      now: () => new Date(Date.UTC(2026, 10, 21, 16, 30) + nowMs),
      monotonicMs: () => nowMs,
      sleep: () => Promise.resolve(),
    },
    every: (intervalMs, action) => {
      const ticker = { intervalMs, action, dueMs: nowMs + intervalMs };
      tickers.add(ticker);
      return () => tickers.delete(ticker);
    },
    onSignal: (signal, handler) => {
      const all = handlers.get(signal) ?? new Set();
      handlers.set(signal, all.add(handler));
      return () => all.delete(handler);
    },
    raise: (signal) => raised.push(signal),
    raised,
    send: (signal) => {
      for (const handler of handlers.get(signal) ?? []) handler();
    },
    pass: (durationMs) => {
      const endMs = nowMs + durationMs;
      for (;;) {
        const due = [...tickers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (due === undefined) break;
        nowMs = due.dueMs;
        due.dueMs += due.intervalMs;
        due.action();
      }
      nowMs = endMs;
    },
  };
}

function fakeStream(options: FakeOptions): FakeStream {
  let written = '';
  let size = { columns: options.columns ?? 80, rows: options.rows ?? 24 };
  let isClosed = false;
  const handlers: ((error: unknown) => void)[] = [];
  return {
    write: (text) => {
      if (!isClosed) written += text;
    },
    flush: () => Promise.resolve(),
    isTerminal: options.isTerminal ?? false,
    size: () => size,
    onBroken: (handler) => {
      handlers.push(handler);
    },
    text: () => written,
    break: (error) => {
      isClosed = true;
      for (const handler of handlers) handler(error);
    },
    resize: (columns, rows) => {
      size = { columns, rows };
    },
  };
}

function fakeInput(given: string | readonly string[]): InputStream {
  const lines = typeof given === 'string' ? [] : [...given];
  return {
    isTerminal: typeof given !== 'string',
    readAll: (maxBytes) => {
      const bytes = Buffer.from(typeof given === 'string' ? given : '');
      return Promise.resolve(bytes.length > maxBytes ? undefined : bytes);
    },
    readLine: ({ prompt }) => {
      prompt();
      return Promise.resolve(lines.shift());
    },
  };
}
