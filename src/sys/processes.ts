// SPDX-License-Identifier: Apache-2.0
// The processes of this machine, from proc(5).
import { readdir, readFile, stat } from 'node:fs/promises';
import { systemClock } from './clock.ts';

const pauseMs = 50;

export type RunningProcess = { readonly pid: number; readonly argv: readonly string[] };

/** The processes of a user, by effective id; one that ends meanwhile is left out. */
export async function processesOf(uid: number): Promise<readonly RunningProcess[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name): Promise<RunningProcess | undefined> => {
      try {
        if ((await stat(`/proc/${name}`)).uid !== uid) return undefined;
        const words = (await readFile(`/proc/${name}/cmdline`, 'utf8')).split('\0');
        return { pid: Number(name), argv: words.slice(0, -1) };
      } catch {
        return undefined;
      }
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** Those whose first word is this program, by a title that follows it too (`sshd: /usr/sbin/sshd -D` is `sshd`'s). */
export async function processesWithCommand(program: string): Promise<readonly RunningProcess[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name): Promise<RunningProcess | undefined> => {
      try {
        const argv = (await readFile(`/proc/${name}/cmdline`, 'utf8')).split('\0').slice(0, -1);
        // A daemon's title is one word of its own making.
        const words = (argv[0] ?? '').split(' ');
        return words[0] === program || (words[0]?.endsWith(':') === true && words[1] === program)
          ? { pid: Number(name), argv }
          : undefined;
      } catch {
        return undefined;
      }
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** Those whose root is on this file system, whatever namespaces they have: `device` as stat(2) gives it. */
export async function processesRootedOn(device: bigint): Promise<readonly number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        return (await stat(`/proc/${name}/root/`, { bigint: true })).dev === device ? Number(name) : undefined;
      } catch {
        return undefined;
      }
    }),
  );
  return found.filter((pid) => pid !== undefined);
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
