// SPDX-License-Identifier: Apache-2.0
// `memory_cgroup=PATH`: what setupRoot starts for a job (an sshd, caches) counts against the job's memory.
import { joinCgroup, killCgroup, makeCgroup } from '../../../sys/cgroup.ts';
import type { JobWords } from './words.ts';

type Job = { readonly id: string; readonly uid: number };

function rootOf(words: JobWords): string | undefined {
  const root = words.settings.get('memory_cgroup') ?? '';
  return root.startsWith('/') ? root : undefined;
}

function namesOf({ id, uid }: Job): readonly string[] {
  return ['shifter', `uid_${uid}`, `job_${id}`];
}

/** Puts this process, and so all that it starts, into the job's group. */
export async function joinMemoryCgroup(words: JobWords, job: Job): Promise<void> {
  const root = rootOf(words);
  if (root === undefined) return;
  await joinCgroup(await makeCgroup(root, namesOf(job), 'memory'), process.pid);
}

/** Ends what is left in the job's group, and removes it. */
export async function endMemoryCgroup(words: JobWords, job: Job, signal: AbortSignal): Promise<void> {
  const root = rootOf(words);
  if (root !== undefined) await killCgroup([root, ...namesOf(job)].join('/'), signal);
}
