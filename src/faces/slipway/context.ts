// SPDX-License-Identifier: Apache-2.0
import type { FaceEnvironment } from '../terminal/environment.ts';

/** What a subcommand works with. */
export type CommandContext = {
  readonly environment: FaceEnvironment;
  /** Aborted by SIGINT, SIGTERM, SIGHUP and when nobody reads stdout any more; whoever sees it cleans up and rejects. */
  readonly signal: AbortSignal;
  /** Has SIGHUP do something else than end the command. */
  readonly takeHangUp: (handler: () => void) => void;
};

/** What a subcommand's module exports. `argv` are the words after the subcommand's name; the result is the exit status. */
export type CommandModule = {
  readonly run: (argv: readonly string[], context: CommandContext) => Promise<number>;
};
