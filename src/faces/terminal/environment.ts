// SPDX-License-Identifier: Apache-2.0
// All that a face takes from the process it runs in, given to it so that tests can give another.
import type { Clock } from '../../sys/clock.ts';
import type { InputStream } from './input.ts';
import type { Planner } from './planner.ts';

/** Where text goes. `write` never fails: what goes wrong is told through `onBroken`. */
export type OutputStream = {
  readonly write: (text: string) => void;
  /** Resolves when everything written so far has been taken, or never will be. */
  readonly flush: () => Promise<void>;
  readonly isTerminal: boolean;
  /** Of the terminal now; 80 by 24 where there is none. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Calls `handler` once when no more can be written: EPIPE where the reader has gone, ENOSPC, EIO. */
  readonly onBroken: (handler: (error: unknown) => void) => void;
};

export type TerminationSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export type FaceEnvironment = {
  /** Slipway's own program, PREFIX/bin/slipway; its other commands stand beside it. */
  readonly launcher: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly uid: number;
  readonly stdin: InputStream;
  /** Data. */
  readonly stdout: OutputStream;
  /** What people read meanwhile. */
  readonly stderr: OutputStream;
  readonly clock: Clock;
  /** What plans for a command, whatever its family. */
  readonly plannerOf?: (name: string) => Promise<Planner | undefined>;
  /** Calls `action` every `intervalMs` until the result is called; keeps no process alive. */
  readonly every: (intervalMs: number, action: () => void) => () => void;
  /** Handles a signal until the result is called. */
  readonly onSignal: (signal: TerminationSignal, handler: () => void) => () => void;
  /** Ends this process by the signal itself, so that its parent sees the true cause. */
  readonly raise: (signal: TerminationSignal) => void;
};
