// SPDX-License-Identifier: Apache-2.0
// --join: the ranks of a job step on one node share one container. Who belongs together is a tag, and how many they are
// tells when the group is complete; a later group with the same tag is another one.
import { type Joining, SlipwayError } from '../../../model/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { systemError } from '../../../sys/system-error.ts';
import type { Speaker } from '../messages.ts';
import type { FoundImage } from './find-image.ts';
import { type JoinOptions, parseNumber } from './options.ts';

/** The first that is set tells how many ranks a node has. */
const countVariables = ['OMPI_COMM_WORLD_LOCAL_SIZE', 'SLURM_STEP_TASKS_PER_NODE', 'SLURM_CPUS_ON_NODE'] as const;

type Given = { readonly inputs: Inputs; readonly speaker: Speaker };

/** @throws SlipwayError `charliecloud-join`, `charliecloud-option` */
export function joiningOf(options: JoinOptions, image: FoundImage, given: Given): Joining {
  if (options.pid !== undefined) return joinProcess(options.pid, given.inputs);
  if (!options.isWanted) {
    // A FUSE image is mounted once for all who run it; a directory costs nothing to have for oneself.
    return image.root.kind === 'squashfs' ? { kind: 'ranks' } : { kind: 'nobody' };
  }
  const peers = peerCount(options.count, given);
  return { kind: 'tag', peers, ...tagOf(options.tag, given) };
}

function joinProcess(pid: number, inputs: Inputs): Joining {
  const path = `/proc/${pid}/ns/user`;
  if (pid < 1 || inputs.kindOf(`/proc/${pid}`) === undefined) {
    throw new SlipwayError('charliecloud-join', { reason: `no PID ${pid}: ${path} not found` });
  }
  if (!isReadable(path, inputs)) {
    throw new SlipwayError('charliecloud-join', { reason: `can't open ${path}` }, { cause: systemError('EACCES') });
  }
  return { kind: 'process', pid };
}

/** A namespace can be looked up only by who may trace its process. */
function isReadable(path: string, inputs: Inputs): boolean {
  try {
    return inputs.kindOf(path) !== undefined;
  } catch {
    return false;
  }
}

function peerCount(given: number | undefined, { inputs, speaker }: Given): number {
  const variable =
    given === undefined ? countVariables.find((name) => inputs.environment(name) !== undefined) : undefined;
  const text = variable === undefined ? '' : (inputs.environment(variable) ?? '');
  // "2(x3)" is how Slurm writes the same number for several nodes.
  const count =
    given ?? (variable === undefined ? 0 : parseNumber(variable, /^\s*[+-]?[0-9]+/.exec(text)?.[0] ?? text));
  if (count <= 0) throw new SlipwayError('charliecloud-join', { reason: 'no valid peer group size found' });
  speaker.note(`join: peer group size from ${variable ?? 'command line'}`);
  return count;
}

function tagOf(
  given: string | undefined,
  { inputs, speaker }: Given,
): { readonly tag: string; readonly scope: readonly string[] } {
  if (given === '') throw new SlipwayError('charliecloud-join', { reason: 'peer group tag cannot be empty string' });
  if (given !== undefined) {
    speaker.note('join: peer group tag from command line');
    return { tag: given, scope: [] };
  }
  // What differs between groups is looked up at launch: the plan is one for all of them.
  if (inputs.environment('SLURM_STEP_ID') !== undefined) {
    speaker.note('join: peer group tag from SLURM_STEP_ID');
    return { tag: 'step', scope: ['SLURM_JOB_ID', 'SLURM_STEP_ID'] };
  }
  speaker.note('join: peer group tag from getppid(2)');
  return { tag: 'parent', scope: ['@parent'] };
}
