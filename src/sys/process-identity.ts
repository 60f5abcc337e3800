// SPDX-License-Identifier: Apache-2.0
// Which process on which machine: enough to tell later whether it still runs, and never to take another process that
// was given the same number for it. Names made from it mark temporary files, so that their left-overs can be told
// from those of work that goes on.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { isErrno } from './file-errors.ts';

export type ProcessIdentity = {
  readonly host: string;
  /** Differs after each boot (`/proc/sys/kernel/random/boot_id`). */
  readonly bootId: string;
  /** `pid:[…]`: in another namespace the same number is another process. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** Clock ticks after boot: field 22 of /proc/PID/stat, proc_pid_stat(5). A reused number has another. */
  readonly startTicks: string;
};

export type Liveness = 'alive' | 'gone' | 'unknown';

let own: ProcessIdentity | undefined;

/** This process. */
export function thisProcess(): ProcessIdentity {
  own ??= {
    host: hostname(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
    pid: process.pid,
    startTicks: statOf(process.pid)?.startTicks ?? '0',
  };
  return own;
}

/** Whether `other` still runs: `unknown` for what this machine cannot see (another host, another pid namespace). */
export function livenessOf(other: ProcessIdentity): Liveness {
  const self = thisProcess();
  if (other.host !== self.host) return 'unknown';
  // Two machines of one name (containers, "localhost") differ in boot id as a machine does after a reboot: unknown
  // is the safe answer for both.
  if (other.bootId !== self.bootId || other.pidNamespace !== self.pidNamespace) return 'unknown';
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return 'gone';
    // EPERM: another user's process, which may still be one that got the number later.
  }
  const stat = statOf(other.pid);
  // Where /proc hides other users' processes (hidepid) the number alone must do.
  if (stat === undefined) return 'alive';
  // A zombie is dead, however long its parent takes to notice.
  return stat.startTicks === other.startTicks && stat.state !== 'Z' ? 'alive' : 'gone';
}

/** A file name of its own for temporary data of this process: `HOST-HASH-PID-TICKS-RANDOM`. */
export function temporaryName(): string {
  const { pid, startTicks } = thisProcess();
  return `${placeLabel()}-${pid}-${startTicks}-${randomBytes(6).toString('hex')}`;
}

/** Whether the process that made this temporary name still runs; `unknown` for names of any other form as well. */
export function livenessOfTemporary(name: string): Liveness {
  const parts = /^(?<place>.+)-(?<pid>[0-9]{1,10})-(?<ticks>[0-9]{1,20})-[0-9a-f]{12}/.exec(name)?.groups;
  if (parts === undefined || parts['place'] !== placeLabel()) return 'unknown';
  return livenessOf({ ...thisProcess(), pid: Number(parts['pid']), startTicks: String(parts['ticks']) });
}

function statOf(
  pid: number,
): { readonly state: string; readonly parent: number; readonly startTicks: string } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // Field 2 is the command in brackets and may itself hold spaces and brackets; field 3 follows the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), startTicks: fields[19] ?? '' };
}

/** The host's name to be read, and a hash that tells its boots and pid namespaces apart. */
function placeLabel(): string {
  const { host, bootId, pidNamespace } = thisProcess();
  const hash = createHash('sha256').update(`${bootId} ${pidNamespace}`).digest('hex').slice(0, 8);
  return `${host.replaceAll(/[^A-Za-z0-9.-]/g, '_').slice(0, 64)}-${hash}`;
}

/** The process id of whoever started this process. */
export function parentProcess(): number {
  return process.ppid;
}

/** The process id of a process's parent; undefined for one that has ended, or can't be seen. */
export function parentOf(pid: number): number | undefined {
  return statOf(pid)?.parent;
}
