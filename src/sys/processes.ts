// SPDX-License-Identifier: Apache-2.0
// The processes of this machine, from proc(5).
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { systemClock } from './clock.ts';

const pauseMs = 50;

/** The processes for which `look` gives something; one that ends meanwhile is left out. */
async function findProcesses<T>(look: (pid: string) => Promise<T | undefined>): Promise<readonly T[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => look(pid).catch(() => undefined)));
  return found.filter((one) => one !== undefined);
}

/**
 * Those whose first word is this program, by a title that follows it too (`sshd: /usr/sbin/sshd -D` is `sshd`'s). Only
 * this process's own pid namespace counts: what has another is no process of this node, though proc(5) shows it.
 */
export async function processesWithCommand(program: string): Promise<readonly number[]> {
  const here = await readlink('/proc/self/ns/pid');
  return await findProcesses(async (pid) => {
    const [first = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    // A daemon's title is one word of its own making.
    const [name = '', ...rest] = first.split(' ');
    if (name !== program && !(name.endsWith(':') && rest[0] === program)) return undefined;
    return (await readlink(`/proc/${pid}/ns/pid`)) === here ? Number(pid) : undefined;
  });
}

/** The children of a process; none of one that has gone. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  return await findProcesses(async (name) => {
    // After the name, which may hold anything: state, then the parent (proc_pid_stat(5)).
    const [, parent] = (await readFile(`/proc/${name}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
    return Number(parent) === pid ? Number(name) : undefined;
  });
}

/** Those whose root is on this file system, whatever namespaces they have: `device` as stat(2) gives it. */
export async function processesRootedOn(device: bigint): Promise<readonly number[]> {
  return await findProcesses(async (pid) =>
    (await stat(`/proc/${pid}/root/`, { bigint: true })).dev === device ? Number(pid) : undefined,
  );
}

/** The file system of a path, for `processesRootedOn`; undefined where there is nothing. */
export async function deviceOf(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).dev;
  } catch {
    return undefined;
  }
}

/** Asks a process to end (SIGTERM), and ends it (SIGKILL) where it has not after `graceMs`. */
export async function endProcess(
  pid: number,
  options: { readonly graceMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const send = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(pid, signal);
    } catch {
      return false;
    }
  };
  send('SIGTERM');
  for (let waitedMs = 0; send(0) && waitedMs < options.graceMs; waitedMs += pauseMs)
    await systemClock.sleep(pauseMs, options.signal);
  send('SIGKILL');
}
