// SPDX-License-Identifier: Apache-2.0
// Control groups by their files: cgroups(7), v1 and v2 alike, whose lists of processes differ by name only.
import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { attempting, isErrno } from './file-errors.ts';

/**
 * Makes a group of `names` and those above it, below a mounted hierarchy; gives its path. With version 2 a controller counts in
 * a group where those above hand it down: they are told to, where they have it themselves.
 */
export async function makeCgroup(root: string, names: readonly string[], controller: string): Promise<string> {
  let path = root;
  for (const name of names) {
    await handDown(path, controller);
    path = `${path}/${name}`;
    await attempting('make the control group', path, () => mkdir(path, { recursive: true, mode: 0o755 }));
  }
  return path;
}

async function handDown(path: string, controller: string): Promise<void> {
  const words = async (name: string): Promise<readonly string[]> => {
    try {
      return (await readFile(`${path}/${name}`, 'utf8')).trim().split(' ');
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    }
  };
  if (!(await words('cgroup.controllers')).includes(controller)) return;
  const control = 'cgroup.subtree_control';
  if ((await words(control)).includes(controller)) return;
  await attempting('count in the control group', path, () => writeFile(`${path}/${control}`, `+${controller}\n`));
}

export async function joinCgroup(path: string, pid: number): Promise<void> {
  const list = await listFile(path);
  await attempting('join the control group', path, () => writeFile(list, `${pid}\n`));
}

/** The processes of a group itself. */
async function cgroupProcesses(path: string): Promise<readonly number[]> {
  try {
    const text = await readFile(await listFile(path), 'utf8');
    return text.split('\n').filter(Boolean).map(Number);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return [];
    throw error;
  }
}

/** The directories of the groups that a process is in, one for each mounted hierarchy. */
export async function cgroupsOfProcess(pid: number): Promise<readonly string[]> {
  const [groups, mounts] = await Promise.all([
    readFile(`/proc/${pid}/cgroup`, 'utf8'),
    readFile('/proc/self/mountinfo', 'utf8'),
  ]);
  const hierarchies = mounts.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [type = '', , options = ''] = after.split(' ');
    const path = before.split(' ')[4] ?? '';
    return type === 'cgroup' || type === 'cgroup2' ? [{ path, type, options: options.split(',') }] : [];
  });
  return groups.split('\n').flatMap((line) => {
    const [number, controllers = '', ...rest] = line.split(':');
    if (number === '') return [];
    const names = controllers.split(',');
    const found = hierarchies.find(({ type, options }) =>
      controllers === '' ? type === 'cgroup2' : type === 'cgroup' && names.every((name) => options.includes(name)),
    );
    return found === undefined ? [] : [`${found.path}${rest.join(':')}`];
  });
}

const attempts = 50;
const pauseMs = 100;

/** Kills the processes of a group until none is left, and removes it. One that is not there is no error. */
export async function killCgroup(path: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const pids = (await cgroupProcesses(path)).filter((pid) => pid !== process.pid);
    for (const pid of pids) killQuietly(pid);
    if (pids.length === 0) {
      try {
        await rmdir(path);
        return;
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return;
        // A process that was just killed keeps the group busy until it is reaped.
        if (!isErrno(error, 'EBUSY') || attempt === attempts) throw error;
      }
    }
    await sleep(pauseMs, undefined, { signal });
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

/** `cgroup.procs` moves whole processes and is there in both versions; old kernels' v1 has it read-only beside `tasks`. */
async function listFile(path: string): Promise<string> {
  const both = `${path}/cgroup.procs`;
  try {
    await access(both);
    return both;
  } catch {
    return `${path}/tasks`;
  }
}
