// SPDX-License-Identifier: Apache-2.0
// Claims jobs and has them done, as many at a time as the configuration says. A job's lease is renewed while it runs; one
// whose holder has died is claimed again: at once where the process is known to be gone, else when its lease ends.
import { describeError } from '../../model/index.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from '../../sys/process-identity.ts';
import { type GatewayContext, nowSec } from '../context.ts';
import type { Claim, RecordChanges } from '../records/types.ts';
import { type JobSettings, runJob } from './jobs.ts';

export type Queue = {
  /** Looks for work now. */
  readonly kick: () => void;
  /**
   * Claims nothing more, and waits for what runs; after `timeoutMs` that is handed over, to be done by another gateway
   * or after the next start.
   */
  readonly stop: (timeoutMs: number) => Promise<void>;
  readonly runningCount: () => number;
  /** The job of this record was cancelled: whoever works on it here stops at once. */
  readonly cancelled: (key: string) => void;
};

export type QueueOptions = {
  readonly settings: JobSettings;
  /** How long a silent holder keeps a job; 45 s unless given. */
  readonly leaseSec?: number;
  /** How often work is looked for that others have left; 2 s unless given. */
  readonly pollMs?: number;
};

const mostAttempts = 5;

class JobLost extends Error {}
class HandedOver extends Error {}

export function createQueue(context: GatewayContext, options: QueueOptions): Queue {
  const { records, log, meters, clock } = context;
  const leaseSec = options.leaseSec ?? 45;
  const owner = JSON.stringify(thisProcess());
  type Running = {
    readonly key: string;
    readonly abort: AbortController;
    readonly done: Promise<void>;
  };
  const running = new Map<string, Running>();
  let isStopping = false;
  let looking: Promise<void> | undefined;
  let isAgain = false;

  const look = async (): Promise<void> => {
    await releaseDead();
    const hasRoom = (): boolean => !isStopping && running.size < context.config().workerThreads;
    while (hasRoom()) {
      const claim = await records.claim(
        owner,
        leaseSec,
        [...running.values()].map(({ key }) => key),
      );
      if (claim === undefined) return;
      start(claim);
    }
  };
  const kick = (): void => {
    if (isStopping) return;
    if (looking !== undefined) {
      isAgain = true;
      return;
    }
    looking = look()
      .catch((error: unknown) => log.error({ err: describeError(error) }, 'looking for work failed'))
      .finally(() => {
        looking = undefined;
        if (!isAgain) return;
        isAgain = false;
        kick();
      });
  };
  const releaseDead = async (): Promise<void> => {
    for (const each of await records.owners()) {
      if (each === owner || !isGone(each)) continue;
      log.warn({ owner: each }, 'the holder of a job has died; its work is taken over');
      await records.releaseOwner(each);
    }
  };

  const start = (claim: Claim): void => {
    const abort = new AbortController();
    const { key } = claim.record;
    const done = work(claim, abort).finally(() => {
      running.delete(`${key} ${claim.token}`);
      kick();
    });
    running.set(`${key} ${claim.token}`, { key, abort, done });
  };

  const work = async (claim: Claim, abort: AbortController): Promise<void> => {
    const { record, token } = claim;
    const { key } = record;
    const job = record.job ?? 'pull';
    const jobLog = log.child({ job, key, system: record.system, image: record.pullTag });
    const startedMs = clock.monotonicMs();
    meters.running.inc({ job });
    const beat = setBeat(leaseSec * 333, async () => {
      try {
        if (!(await records.renew(key, token, leaseSec))) abort.abort(new JobLost('another gateway has the job'));
      } catch (error) {
        jobLog.warn({ err: describeError(error) }, 'the lease could not be renewed');
      }
    });
    const update = async (changes: RecordChanges): Promise<void> => {
      abort.signal.throwIfAborted();
      const isHeld = await records.update(key, token, { ...changes, lastHeartbeat: nowSec(clock) });
      if (!isHeld) throw new JobLost('another gateway has the job');
    };
    const end = (result: string): void => {
      meters.jobs.inc({ job, result });
      meters.jobSeconds.observe({ job }, (clock.monotonicMs() - startedMs) / 1000);
      jobLog.info({ result, seconds: (clock.monotonicMs() - startedMs) / 1000 }, 'job ended');
    };
    try {
      if (record.attempts > mostAttempts)
        throw new Error(`it was begun ${mostAttempts} times and never came to an end`);
      jobLog.info({ attempt: record.attempts }, 'job begun');
      await runJob({ claim, context, settings: options.settings, signal: abort.signal, update });
      end('done');
    } catch (error) {
      const reason = abort.signal.aborted ? (abort.signal.reason as unknown) : error;
      if (reason instanceof JobLost) {
        end('lost');
      } else if (reason instanceof HandedOver || isStopping) {
        // What ends the gateway may have reached its worker too, and then looks like a failure of the image's.
        await records.handOver(key, token);
        end('handed-over');
      } else {
        const message = failureMessage(reason);
        jobLog.warn({ err: message }, 'job failed');
        await settleFailure(claim, message);
        end('failed');
      }
    } finally {
      beat();
      meters.running.dec({ job });
    }
  };

  /** An image that could not be removed stays on the list of work, to be tried again when its lease ends. */
  const settleFailure = async ({ record, token }: Claim, message: string): Promise<void> => {
    try {
      if (record.job === 'expire' && record.attempts <= mostAttempts) return;
      await records.fail(record.key, token, message, nowSec(clock));
    } catch (error) {
      log.error({ err: describeError(error) }, 'a failure could not be written down');
    }
  };

  const timer = setBeat(options.pollMs ?? 2000, () => {
    kick();
    return Promise.resolve();
  });
  return {
    kick,
    runningCount: () => running.size,
    cancelled: (key) => {
      for (const { key: held, abort } of running.values())
        if (held === key) abort.abort(new JobLost('it was cancelled'));
    },
    stop: async (timeoutMs) => {
      isStopping = true;
      timer();
      await looking;
      const all = [...running.values()];
      const inTime = Promise.all(all.map(({ done }) => done));
      const enough = new AbortController();
      const late = clock.sleep(timeoutMs, enough.signal).then(
        () => true,
        () => false,
      );
      const isLate = await Promise.race([inTime.then(() => false), late]);
      enough.abort();
      if (isLate) for (const { abort } of all) abort.abort(new HandedOver('the gateway stops'));
      await inTime;
    },
  };
}

function failureMessage(error: unknown): string {
  const text = describeError(error);
  // `make the image X: ` is the wrapping of the process, not the reason.
  return text.replace(/^make the image \S+: /, '').slice(0, 2000);
}

function isGone(owner: string): boolean {
  try {
    return livenessOf(JSON.parse(owner) as ProcessIdentity) === 'gone';
  } catch {
    return false;
  }
}

/** Calls `action` again and again, one call after the other, until the result is called. */
function setBeat(intervalMs: number, action: () => Promise<void>): () => void {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void action().finally(() => {
      isBusy = false;
    });
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
