// SPDX-License-Identifier: Apache-2.0
// A job has ended on this node, as root: whatever was prepared for it, or half prepared, goes.
import { dirname } from 'node:path';
import { SlipwayError } from '../../../model/index.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { runProgram } from '../../../sys/run-program.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { describeJob, type SlurmCommands } from './describe-job.ts';
import { endMemoryCgroup } from './memory-cgroup.ts';
import { type NodeRecord, type NodeRecords, nodeRecords } from './node-record.ts';
import { configWords, type JobWords } from './words.ts';

const releaseTimeoutMs = 120_000;

/** @throws SlipwayError `job-release-failed`: the node must not take another job as it is. */
export async function epilog(words: JobWords, environment: FaceEnvironment, signal: AbortSignal): Promise<void> {
  const { variables } = environment;
  const id = variables['SLURM_JOB_ID'] ?? '';
  const records = nodeRecords();
  const record = await records.read(id);
  await endMemoryCgroup(words, { id, uid: Number(variables['SLURM_JOB_UID'] ?? Number.NaN) }, signal);
  if (record === undefined) return;
  if (record.udiMount !== '') await release(record, words, { environment, signal });
  await records.remove(id);
}

/** Releases what jobs left that this node no longer runs: their epilogs were lost with the daemon, or killed. */
export async function releaseStale(given: {
  readonly words: JobWords;
  readonly commands: SlurmCommands;
  readonly environment: FaceEnvironment;
  readonly records: NodeRecords;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { words, commands, environment, records, signal } = given;
  const own = environment.variables['SLURM_JOB_ID'];
  for (const record of await records.list()) {
    if (record.job !== own && (await isActive(record.job, commands, signal))) continue;
    await release(record, words, { environment, signal });
    await records.remove(record.job);
  }
}

async function isActive(job: string, commands: SlurmCommands, signal: AbortSignal): Promise<boolean> {
  try {
    return (await describeJob(job, commands, signal)).isActive;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SlipwayError) return false;
    throw error;
  }
}

async function release(
  record: NodeRecord,
  words: JobWords,
  given: { readonly environment: FaceEnvironment; readonly signal: AbortSignal },
): Promise<void> {
  const { environment, signal } = given;
  const { exitStatus, output } = await runProgram({
    argv: [`${dirname(environment.launcher)}/unsetupRoot`, ...configWords(words)],
    environment: { PATH: systemSearchPath },
    mergesErrors: true,
    maxOutputBytes: 64 << 10,
    timeoutMs: releaseTimeoutMs,
    signal,
  });
  if (exitStatus === 0) return;
  throw new SlipwayError('job-release-failed', { path: record.udiMount, reason: output.toString('utf8').trim() });
}
