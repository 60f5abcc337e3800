// SPDX-License-Identifier: Apache-2.0
// A subcommand's life: it is told when to stop, and what it throws becomes words and an exit status.
import type { FaceEnvironment, TerminationSignal } from '../terminal/environment.ts';
import { errorText, exitStatusOf } from '../terminal/error-text.ts';
import type { Command } from './commands.ts';

const signalNumbers: Readonly<Record<TerminationSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
/** As a shell sees a program that SIGPIPE ended; Node ignores that signal. */
const brokenPipeStatus = 128 + 13;

/**
 * Runs a subcommand and gives its exit status; never rejects. A signal aborts the work, and when it has cleaned up the
 * signal is raised again: the process ends by it, as its parent expects. A second signal is raised at once.
 */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  environment: FaceEnvironment,
): Promise<number> {
  const controller = new AbortController();
  let endedBy: TerminationSignal | 'broken-pipe' | undefined;
  const end = (by: TerminationSignal | 'broken-pipe'): void => {
    if (endedBy !== undefined && by !== 'broken-pipe') environment.raise(by);
    endedBy ??= by;
    controller.abort(new Error(by === 'broken-pipe' ? 'nobody reads the output' : `ended by ${by}`));
  };
  const releases = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) =>
    environment.onSignal(name, () => end(name)),
  );
  environment.stdout.onClosed(() => end('broken-pipe'));

  let status: number;
  try {
    const module = await command.load();
    status = await module.run(argv, { environment, signal: controller.signal });
    // Only now is it known whether anybody has read the output.
    await environment.stdout.flush();
  } catch (error) {
    // After a signal every failure is its consequence, and whoever sent it knows.
    status = endedBy === undefined ? tellFailure(error, environment) : exitStatusOf(error);
  } finally {
    for (const release of releases) release();
  }
  if (endedBy === undefined) return status;
  if (endedBy === 'broken-pipe') return brokenPipeStatus;
  environment.raise(endedBy);
  return 128 + signalNumbers[endedBy];
}

/** Says on stderr what failed; the exit status that it asks for. */
export function tellFailure(error: unknown, { stderr, variables }: FaceEnvironment): number {
  stderr.write(errorText('slipway', error, (variables['SLIPWAY_DEBUG'] ?? '') !== ''));
  return exitStatusOf(error);
}
