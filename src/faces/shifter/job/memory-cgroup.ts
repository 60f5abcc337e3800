// SPDX-License-Identifier: Apache-2.0
// `memory_cgroup=PATH`: what setupRoot starts for a job (an sshd, caches) counts against the job's memory.
import { joinCgroup, killCgroup, makeCgroup } from '../../../sys/cgroup.ts';
import type { JobWords } from './words.ts';

function pathOf(words: JobWords, job: { readonly id: string; readonly uid: number }): string | undefined {
  const root = words.settings.get('memory_cgroup') ?? '';
  return root.startsWith('/') ? `${root}/shifter/uid_${job.uid}/job_${job.id}` : undefined;
}

/** Puts this process, and so all that it starts, into the job's group. */
export async function joinMemoryCgroup(
  words: JobWords,
  job: { readonly id: string; readonly uid: number },
): Promise<void> {
  const path = pathOf(words, job);
  if (path === undefined) return;
  await makeCgroup(path);
  await joinCgroup(path, process.pid);
}

/** Ends what is left in the job's group, and removes it. */
export async function endMemoryCgroup(
  words: JobWords,
  job: { readonly id: string; readonly uid: number },
  signal: AbortSignal,
): Promise<void> {
  const path = pathOf(words, job);
  if (path !== undefined) await killCgroup(path, signal);
}
