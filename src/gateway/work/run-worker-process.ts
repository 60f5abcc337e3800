// SPDX-License-Identifier: Apache-2.0
// The gateway's end of a worker process: sends the task, hears what the worker says, and ends it when the job ends.
import { SlipwayError } from '../../model/index.ts';
import { findProgram, systemSearchPath, withChild, writeTo } from '../../sys/process.ts';
import { type FromWorker, readLines, type ToWorker, type WorkerTask } from './worker-protocol.ts';

export type Made = Extract<FromWorker, { readonly type: 'made' }>;
export type ResolvedTag = Extract<FromWorker, { readonly type: 'resolved' }>;

export type WorkerRun = {
  /** For errors. */
  readonly image: string;
  /** The words that start a worker. */
  readonly command: readonly [string, ...string[]];
  readonly task: WorkerTask;
  /** What the tag points to; whether the image has to be made. */
  readonly onResolved: (resolved: ResolvedTag) => Promise<boolean>;
  readonly onMessage: (message: Extract<FromWorker, { readonly type: 'event' | 'status' }>) => Promise<void>;
  readonly signal: AbortSignal;
};

/**
 * Runs a worker to its end; undefined where nothing had to be made.
 * @throws SlipwayError `gateway-worker-failed` with the worker's own reason; the signal's reason
 */
export async function runWorkerProcess(run: WorkerRun): Promise<Made | undefined> {
  const fail = (reason: string): SlipwayError =>
    new SlipwayError('gateway-worker-failed', { image: run.image, reason });
  // A signal to the service's whole group (systemd, a terminal) is not for the worker: the gateway decides its end.
  const { result, end } = await withChild(
    { argv: await afterOthers(run.command), hasOwnSession: true, stdout: 'pipe', signal: run.signal },
    async ({ stdin, stdout }) => {
      const send = (message: ToWorker): Promise<void> => writeTo(stdin, Buffer.from(`${JSON.stringify(message)}\n`));
      await send({ type: 'task', task: run.task });
      for await (const line of readLines((stdout ?? []) as AsyncIterable<Buffer>)) {
        const message = JSON.parse(line) as FromWorker;
        if (message.type === 'made') return { made: message, isOver: true };
        if (message.type === 'failed') throw fail(message.message);
        if (message.type !== 'resolved') {
          await run.onMessage(message);
          continue;
        }
        if (!(await run.onResolved(message))) return { made: undefined, isOver: true };
        await send({ type: 'make' });
      }
      return { made: undefined, isOver: false };
    },
  );
  if (result.isOver) return result.made;
  const last = end.stderrTail.split('\n').at(-1) ?? '';
  throw fail(`its process ended with ${end.status ?? end.signalName ?? 'nothing'}${last === '' ? '' : `: ${last}`}`);
}

/**
 * Lets the service go first: a conversion takes all the processors there are. By nice(1), as threads keep the priority that
 * their process had when they were made (setpriority(2), "C library/kernel differences"). That counts within the worker's
 * session; the worker itself sees to its session.
 */
async function afterOthers(command: WorkerRun['command']): Promise<WorkerRun['command']> {
  const nice = await findProgram('nice', systemSearchPath);
  return nice === undefined ? command : [nice, '-n', '19', ...command];
}
