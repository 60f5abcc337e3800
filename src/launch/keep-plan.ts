// SPDX-License-Identifier: Apache-2.0
// Hands a plan to the launcher that waits for it, and keeps it for the next ones.
import { encodePlan, planFileName } from '../plan/index.ts';
import { describeError, SlipwayError } from '../model/index.ts';
import { makeSkeleton, sweepOldFiles, writeAllToDescriptor, writeFileInPlace } from '../sys/run-directory.ts';
import type { ReadyPlan } from './plan-run.ts';

const maxIdleMs = 7 * 24 * 3_600_000;

/** Where plans go. */
export type PlanKeeping = {
  /** The user's private directory, or '' where there is none. */
  readonly runDirectory: string;
  /** The launcher's: it reads the plan there, and trusts it without looking at its trace. */
  readonly descriptor: number;
  readonly build: string;
  readonly nowNs: bigint;
};

/**
 * @throws SlipwayError `run-directory-missing`, `run-directory-unwritable` where there is no place for what the container
 *   needs; `run-too-large` where the launcher can't be told all of it.
 */
export function keepPlan(ready: ReadyPlan, keeping: PlanKeeping): void {
  if (keeping.runDirectory === '') throw new SlipwayError('run-directory-missing', { image: ready.plan.subject });
  const bytes = encode(ready, keeping);
  try {
    writeInRunDirectory(ready, bytes, keeping);
  } catch (cause) {
    const path = keeping.runDirectory;
    throw new SlipwayError('run-directory-unwritable', { path, reason: describeError(cause) }, { cause });
  }
  writeAllToDescriptor(keeping.descriptor, bytes);
}

function encode(ready: ReadyPlan, { build, nowNs }: PlanKeeping): Buffer {
  try {
    return encodePlan(ready.plan, build, nowNs);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SlipwayError('run-too-large', { image: ready.plan.subject, reason: cause.message }, { cause });
  }
}

function writeInRunDirectory(ready: ReadyPlan, bytes: Uint8Array, { runDirectory, nowNs }: PlanKeeping): void {
  for (const { path, content, encoding } of ready.generated) {
    writeFileInPlace(path, Buffer.from(content, encoding ?? 'utf8'), 0o444);
  }
  for (const { path, entries } of ready.skeletons) makeSkeleton(path, entries);
  if (!ready.isLasting) return;
  sweepOldFiles(runDirectory, Number(nowNs / 1_000_000n) - maxIdleMs);
  writeFileInPlace(`${runDirectory}/${planFileName(ready.plan.covers)}`, bytes, 0o600);
}
