// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path';
import type { Emit } from '../model/index.ts';
import type { Clock } from '../sys/clock.ts';
import type { WrapEvent } from './events.ts';

/** What wrapping works with. */
export type WrapTools = {
  /** The program that stands for wrapped ones, and the identity of its build. */
  readonly wrapper: string;
  readonly build: string;
  readonly version: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly clock: Clock;
  readonly emit: Emit<WrapEvent>;
  /** Aborted when the work is to be given up. */
  readonly signal: AbortSignal;
};

/** The program that becomes wrappers, by the path of the installation's launcher. */
export function wrapperProgram(launcher: string): string {
  return `${dirname(dirname(launcher))}/libexec/slipway/wrapper`;
}
