// SPDX-License-Identifier: Apache-2.0
// A command's life, whichever family it is of: it is told when to stop, and how it ends becomes words and a status.
import { isErrno, toFileError } from '../../sys/file-errors.ts';
import type { FaceEnvironment, TerminationSignal } from './environment.ts';
import { errorText, exitStatusOf } from './error-text.ts';

const signalNumbers: Readonly<Record<TerminationSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
/** As a shell sees a program that SIGPIPE ended; Node ignores that signal. */
const brokenPipeStatus = 128 + 13;

type Cause =
  | { readonly kind: 'signal'; readonly name: TerminationSignal }
  | { readonly kind: 'output'; readonly error: unknown };

export type Supervision = {
  /** Has SIGHUP do something else than end the command: a service reads its configuration anew. */
  readonly takeHangUp: (handler: () => void) => void;
};

/**
 * Runs `work` and gives the exit status; never rejects. What `work` throws is told on stderr. Its signal is aborted
 * - by SIGINT, SIGTERM and SIGHUP: once `work` has cleaned up, the signal is raised again, so that the process ends by
 *   it as its parent expects; a second signal is raised at once;
 * - when stdout can't be written any more: quietly where the reader has gone, otherwise with the reason.
 */
export async function supervise(
  program: string,
  environment: FaceEnvironment,
  work: (signal: AbortSignal, control: Supervision) => Promise<number>,
): Promise<number> {
  const controller = new AbortController();
  let cause: Cause | undefined;
  const end = (by: Cause): void => {
    if (cause?.kind === 'signal' && by.kind === 'signal') environment.raise(by.name);
    cause ??= by;
    controller.abort(new Error(by.kind === 'signal' ? `ended by ${by.name}` : 'the output is lost'));
  };
  let hangUp: (() => void) | undefined;
  const releases = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) =>
    environment.onSignal(name, () => {
      if (name === 'SIGHUP' && hangUp !== undefined) hangUp();
      else end({ kind: 'signal', name });
    }),
  );
  const control: Supervision = {
    takeHangUp: (handler) => {
      hangUp = handler;
    },
  };
  environment.stdout.onBroken((error) => end({ kind: 'output', error }));

  let outcome: Outcome;
  try {
    outcome = { status: await work(controller.signal, control) };
    // Only now is it known whether the output could be written.
    await environment.stdout.flush();
  } catch (error) {
    outcome = { error };
  }
  for (const release of releases) release();
  return conclude(program, environment, cause, outcome);
}

type Outcome = { readonly status: number } | { readonly error: unknown };

function conclude(program: string, environment: FaceEnvironment, cause: Cause | undefined, outcome: Outcome): number {
  if (cause === undefined) return 'status' in outcome ? outcome.status : tell(program, environment, outcome.error);
  // After a signal or the loss of the output every failure is its consequence.
  if (cause.kind === 'signal') {
    environment.raise(cause.name);
    return 128 + signalNumbers[cause.name];
  }
  if (isErrno(cause.error, 'EPIPE')) return brokenPipeStatus;
  return tell(program, environment, toFileError(cause.error, 'write', 'the output'));
}

function tell(program: string, { stderr, variables }: FaceEnvironment, error: unknown): number {
  stderr.write(errorText(program, error, (variables['SLIPWAY_DEBUG'] ?? '') !== ''));
  return exitStatusOf(error);
}
