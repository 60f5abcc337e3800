// SPDX-License-Identifier: Apache-2.0
// A step begins on this node, as root.
import { describeError, SlipwayError } from '../../../model/index.ts';
import { cgroupsOfProcess, joinCgroup } from '../../../sys/cgroup.ts';
import { readFileIfPresent } from '../../../sys/files.ts';
import { childrenOf, processesWithCommand } from '../../../sys/processes.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { runProgram } from '../../../sys/run-program.ts';
import { sshdPath } from '../prepare/places.ts';
import { preparedConfigPath, readShifterConfig } from '../shifter-config.ts';
import type { AnswerLine } from './answer.ts';
import { nodeRecords } from './node-record.ts';
import { isOn, type JobWords } from './words.ts';

/**
 * The root in which every program of a job with --ccm runs: this node's own, never an image that somebody chose. Slurm's
 * daemon does things of its own in there before it gives up root's rights. Or why there is none, for the plugin to say.
 */
export async function rootOfStep(words: JobWords): Promise<AnswerLine> {
  const record = await nodeRecords().read(words.job);
  const none = (reason: string): AnswerLine => ({
    word: 'reason',
    name: 'text',
    value: describeError(new SlipwayError('job-not-prepared', { job: words.job, reason })).replaceAll(
      /\s*\n\s*/g,
      '; ',
    ),
  });
  if (record?.state !== 'prepared')
    return none(record?.reason ?? 'none was prepared on this node: --ccm needs nodes of its own (--exclusive)');
  const config = await readFileIfPresent(preparedConfigPath(record.udiMount), { maxBytes: maxConfigBytes });
  const { identifier } = readShifterConfig(config?.toString('utf8') ?? '') ?? {};
  if (identifier !== '/') return none('--ccm is for local:/ alone, not for an image');
  return { word: 'root', name: 'path', value: record.udiMount };
}

const maxConfigBytes = 1 << 20;
const externTimeoutMs = 60_000;

/**
 * The step that stands for what runs beside the job's own: the container's sshd counts as part of it, and the site's own
 * program is run.
 * @throws SlipwayError `job-extern-failed`
 */
export async function beginExtern(words: JobWords, signal: AbortSignal): Promise<void> {
  if (isOn(words.settings.get('extern_cgroup'))) {
    // Of the step's own process; Slurm's daemon, whose child it is as we are, is in none of them.
    const members = await Promise.all(
      (await childrenOf(process.ppid)).map((pid) => cgroupsOfProcess(pid).catch(() => [])),
    );
    const groups = new Set(members.flat().filter((path) => /\/step_extern(?:\/|$)/.test(path)));
    const servers = await processesWithCommand(sshdPath);
    for (const pid of servers) for (const group of groups) await joinCgroup(group, pid);
  }
  const program = words.settings.get('extern_setup') ?? '';
  if (!program.startsWith('/')) return;
  const { exitStatus, output } = await runProgram({
    argv: [program],
    environment: { PATH: systemSearchPath, SLURM_JOB_ID: words.job, SLURM_JOB_UID: String(words.uid) },
    mergesErrors: true,
    maxOutputBytes: 64 << 10,
    timeoutMs: externTimeoutMs,
    signal,
  });
  if (exitStatus === 0) return;
  throw new SlipwayError('job-extern-failed', { program, status: exitStatus, reason: output.toString('utf8').trim() });
}
