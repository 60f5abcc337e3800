// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/** Whether this process is the machine's root, and not one that a user namespace calls so. */
export function isMachinesRoot(): boolean {
  if (process.geteuid?.() !== 0) return false;
  const [inside, outside, count] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).map(Number);
  return inside === 0 && outside === 0 && count === 0xffff_ffff;
}

/** Makes root's process a user's, for good. Elsewhere there is nothing to be dropped. @throws the system's errors */
export function becomeUser(uid: number, gid: number): void {
  if (!isMachinesRoot() || (uid === 0 && gid === 0)) return;
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}
