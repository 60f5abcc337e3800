// SPDX-License-Identifier: Apache-2.0
// What Slurm says of a job, asked of its controller: a prolog's variables do not tell whether nodes are shared.
import { SlipwayError } from '../../../model/index.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { runProgram } from '../../../sys/run-program.ts';
import type { JobWords } from './words.ts';

export type JobDescription = {
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  /** Whether it has nodes now. */
  readonly isActive: boolean;
  /** Whether no other job can be on its nodes. */
  readonly isExclusive: boolean;
  readonly cpusPerNode: number;
  readonly nodeList: string;
};

const timeoutMs = 30_000;
const maxOutputBytes = 1 << 20;

/** How Slurm's commands are run: where they are, and which cluster they ask. */
export type SlurmCommands = {
  readonly searchPath: string;
  /** $SLURM_CONF of the daemon that started this. */
  readonly configuration: string | undefined;
};

/** From plugstack.conf (`slurm_bindir=DIR`) and the daemon's variables. */
export function slurmCommands(words: JobWords, variables: Readonly<Record<string, string | undefined>>): SlurmCommands {
  const directory = words.settings.get('slurm_bindir') ?? '';
  return {
    searchPath: directory.startsWith('/') ? `${directory}:${systemSearchPath}` : systemSearchPath,
    configuration: variables['SLURM_CONF'],
  };
}

/**
 * Asked for one by one: what `scontrol show job` prints has the job's name in it, and so whatever its user likes.
 * squeue(1): number, uid, gid, state, sharing, nodes, CPUs, user, nodes' names.
 */
const fields = '%A|%U|%G|%T|%h|%D|%C|%u|%N';

/** @throws SlipwayError `job-unknown` where Slurm does not answer, or with something else. */
export async function describeJob(id: string, commands: SlurmCommands, signal: AbortSignal): Promise<JobDescription> {
  const argv = ['squeue', '--noheader', '--states=all', `--jobs=${id}`, `--format=${fields}`] as const;
  const found = parseJobDescription(await slurm(argv, { id, commands, signal }), id);
  if (found === undefined) throw new SlipwayError('job-unknown', { job: id, reason: 'squeue says nothing of it' });
  return found;
}

/** The names of a list such as `n[1-3,7]`. @throws SlipwayError `job-unknown` */
export async function listNodes(
  list: string,
  given: { readonly id: string; readonly commands: SlurmCommands; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const text = await slurm(['scontrol', 'show', 'hostnames', list], given);
  return text.split('\n').filter((name) => name !== '');
}

/** Of the lines of all tasks of an array the one of this job; undefined where there is none, or it has no nodes yet. */
export function parseJobDescription(text: string, id: string): JobDescription | undefined {
  const lines = text.split('\n').map((line) => line.split('|'));
  const own = lines.find((words) => words[0] === id && words.length === fields.split('|').length) ?? [];
  const [, uid = '', gid = '', state = '', sharing = '', nodes = '', cpus = '', userName = '', nodeList = ''] = own;
  const isNumbered = [uid, gid, nodes, cpus].every((word) => /^\d{1,10}$/.test(word));
  if (!isNumbered || Number(nodes) === 0 || userName === '' || nodeList === '') return undefined;
  return {
    userName,
    uid: Number(uid),
    gid: Number(gid),
    isActive: /^(?:RUNNING|CONFIGURING|COMPLETING|SUSPENDED|STOPPED|RESIZING|SIGNALING|STAGE_OUT)$/.test(state),
    isExclusive: sharing === 'NO',
    cpusPerNode: Math.max(1, Math.floor(Number(cpus) / Number(nodes))),
    nodeList,
  };
}

async function slurm(
  argv: readonly [string, ...string[]],
  given: { readonly id: string; readonly commands: SlurmCommands; readonly signal: AbortSignal },
): Promise<string> {
  const { id, commands, signal } = given;
  try {
    const { exitStatus, output } = await runProgram({
      argv,
      environment: { PATH: commands.searchPath, LC_ALL: 'C', SLURM_CONF: commands.configuration },
      mergesErrors: true,
      maxOutputBytes,
      timeoutMs,
      signal,
    });
    const text = output.toString('utf8');
    if (exitStatus === 0) return text;
    throw new Error(text.trim().split('\n', 1)[0] ?? `it ended with status ${exitStatus}`);
  } catch (cause) {
    signal.throwIfAborted();
    const reason = `${argv.slice(0, 3).join(' ')}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new SlipwayError('job-unknown', { job: id, reason }, { cause });
  }
}
