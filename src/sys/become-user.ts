// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { groupIdsOf } from './name-service.ts';

/**
 * Makes this process of root's a user's for good, with all the groups that the name service gives him. What root's daemon
 * has against being killed when memory runs out is given up too.
 */
export function becomeUser({
  name,
  uid,
  gid,
}: {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}): void {
  writeFileSync('/proc/self/oom_score_adj', '0');
  process.setgroups?.([gid, ...groupIdsOf(name)]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  if (process.getuid?.() !== uid || process.getgid?.() !== gid) throw new Error(`become ${name}: the ids are not his`);
}
