// SPDX-License-Identifier: Apache-2.0
// A job begins on this node, as root: its container is prepared once, so that its tasks enter it at once and without
// privilege. A prolog that fails takes the node out of service, so only what is wrong with the node may do that: what is
// wrong with the request is kept for the job's steps to tell, and each `shifter` tries by itself.
import { dirname } from 'node:path';
import { describeError, SlipwayError } from '../../../model/index.ts';
import { defaultUdiRootPath, readUdiRoot, type UdiRoot } from '../../../site/index.ts';
import { createInputs } from '../../../sys/inputs.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { runProgram } from '../../../sys/run-program.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { describeJob, type JobDescription, listNodes, slurmCommands } from './describe-job.ts';
import { releaseStale } from './epilog.ts';
import { joinMemoryCgroup } from './memory-cgroup.ts';
import { nodeRecords } from './node-record.ts';
import { configWords, isOn, type JobWords } from './words.ts';

const setupTimeoutMs = 300_000;
const maxSaidBytes = 256 << 10;

/** What the submission left for root: data of a user, to be checked by setupRoot like any other words. */
type Wanted = {
  readonly image: string;
  readonly type: string;
  readonly volume: string;
  readonly module: string;
  /** Of the job's keys; the other is a public key that the user brought. */
  readonly sshSecret: string;
  readonly sshKey: string;
};

/** Prepares the container of a job that has one. @throws SlipwayError `job-release-failed` */
export async function prolog(words: JobWords, environment: FaceEnvironment, signal: AbortSignal): Promise<void> {
  const { variables } = environment;
  const wanted = wantedBy(variables);
  if (wanted === undefined) return;
  const id = variables['SLURM_JOB_ID'] ?? '';
  const commands = slurmCommands(words, variables);
  const records = nodeRecords();
  await releaseStale({ words, commands, environment, records, signal });
  let udiMount = '';
  try {
    const job = await describeJob(id, commands, signal);
    // On a node that is shared, two jobs' containers can not stand in one place: each shifter makes its own.
    if (!job.isExclusive) return;
    ({ udiMount } = readSite(words));
    await joinMemoryCgroup(words, { id, uid: job.uid });
    await records.write({ job: id, udiMount, state: 'begun' });
    const nodes = await listNodes(job.nodeList, { id, commands, signal });
    const isServed = isOn(words.settings.get('enable_sshd'));
    const asked = isServed ? wanted : { ...wanted, sshSecret: '', sshKey: '' };
    await setUp([...configWords(words), ...setupWords(asked, job, nodes)], asked.sshSecret, { environment, signal });
    await records.write({ job: id, udiMount, state: 'prepared' });
  } catch (error) {
    signal.throwIfAborted();
    const reason = describeError(error);
    environment.stderr.write(`shifter: job ${id}: ${reason}\n`);
    await records.write({ job: id, udiMount, state: 'failed', reason });
  }
}

function wantedBy(variables: FaceEnvironment['variables']): Wanted | undefined {
  const own = (name: string): string => variables[`SPANK_SHIFTER_${name}`] ?? '';
  const wanted = {
    image: own('IMAGE'),
    type: own('IMAGETYPE'),
    volume: own('VOLUME'),
    module: own('MODULE'),
    sshSecret: own('SSH_SECRET'),
    sshKey: own('SSH_PUBKEY'),
  };
  return wanted.image === '' || wanted.type === '' ? undefined : wanted;
}

/** @throws SlipwayError `udi-root-…` */
function readSite(words: JobWords): UdiRoot {
  return readUdiRoot(
    words.settings.get('shifter_config') ?? defaultUdiRootPath,
    createInputs({ environment: {}, cwd: '/' }),
  );
}

function setupWords(wanted: Wanted, job: JobDescription, nodes: readonly string[]): readonly string[] {
  return [
    '-U',
    String(job.uid),
    '-G',
    String(job.gid),
    '-u',
    job.userName,
    // A secret is no word: everyone can read those.
    ...(wanted.sshSecret === '' ? [] : ['-s', '-']),
    ...(wanted.sshSecret !== '' || wanted.sshKey === '' ? [] : ['-s', wanted.sshKey]),
    '-N',
    nodes.map((name) => `${name}/${job.cpusPerNode}`).join(' '),
    ...wanted.volume
      .split(';')
      .filter((volume) => volume !== '')
      .flatMap((volume) => ['-v', volume]),
    ...(wanted.module === '' ? [] : ['-m', wanted.module]),
    '--',
    wanted.type,
    wanted.image,
  ];
}

async function setUp(
  words: readonly string[],
  input: string,
  given: { readonly environment: FaceEnvironment; readonly signal: AbortSignal },
): Promise<void> {
  const { environment, signal } = given;
  const { exitStatus, output } = await runProgram({
    argv: [`${dirname(environment.launcher)}/setupRoot`, ...words],
    environment: { PATH: systemSearchPath },
    input,
    mergesErrors: true,
    maxOutputBytes: maxSaidBytes,
    timeoutMs: setupTimeoutMs,
    signal,
  });
  if (exitStatus === 0) return;
  const said = output.toString('utf8').trim();
  throw new SlipwayError('job-set-up-failed', { reason: said === '' ? `setupRoot ended with ${exitStatus}` : said });
}
