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

/** @throws SlipwayError `job-unknown` where Slurm does not answer, or with something else. */
export async function describeJob(id: string, commands: SlurmCommands, signal: AbortSignal): Promise<JobDescription> {
  const text = await slurm(['scontrol', '--oneliner', 'show', 'job', id], { id, commands, signal });
  const found = parseJobDescription(text);
  if (found === undefined) throw new SlipwayError('job-unknown', { job: id, reason: 'scontrol says nothing of it' });
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

/** Reads a line of `scontrol --oneliner show job`: `NAME=VALUE` words, of which a value may hold spaces. */
export function parseJobDescription(text: string): JobDescription | undefined {
  const field = (name: string, pattern: RegExp): RegExpExecArray | undefined =>
    new RegExp(`(?:^|\\s)${name}=${pattern.source}(?=\\s|$)`).exec(text) ?? undefined;
  const user = field('UserId', /([^\s()]+)\((\d+)\)/);
  const group = field('GroupId', /[^\s()]+\((\d+)\)/);
  const nodes = Number(field('NumNodes', /(\d+)(?:-\d+)?/)?.[1]);
  const cpus = Number(field('NumCPUs', /(\d+)(?:-\d+)?/)?.[1]);
  const list = field('NodeList', /(\S+)/)?.[1];
  if (user === undefined || group === undefined || list === undefined || !(nodes > 0) || !(cpus > 0)) return undefined;
  return {
    userName: user[1] ?? '',
    uid: Number(user[2]),
    gid: Number(group[1]),
    isActive: field('JobState', /(?:RUNNING|CONFIGURING|COMPLETING|SUSPENDED|STAGE_OUT)/) !== undefined,
    isExclusive: field('OverSubscribe', /NO/) !== undefined,
    cpusPerNode: Math.max(1, Math.floor(cpus / nodes)),
    nodeList: list,
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
