// SPDX-License-Identifier: Apache-2.0
// How the launcher asks a face for a plan.
import type { ReadyPlan } from '../../launch/index.ts';

export type PlanningContext = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The user's private directory for plans, or '' where none could be had. */
  readonly runDirectory: string;
  /** The launcher's own path. */
  readonly launcher: string;
  /** Where the launcher reads the plan. */
  readonly planDescriptor: number;
  /** Takes the plan instead of the launcher; nothing is kept then. */
  readonly show?: (ready: ReadyPlan) => void;
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
  readonly columns: () => number;
  readonly signal: AbortSignal;
};

/**
 * Makes a plan for a command line: `words` are argv, the face's name first. Gives the exit status of a command that ends
 * without a program (`--help`); a status without a plan ends the launcher with it. A SlipwayError that is thrown is shown
 * in Slipway's words: a face with words of its own catches it.
 */
export type Planner = (words: readonly string[], context: PlanningContext) => Promise<number>;
