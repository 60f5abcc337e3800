// SPDX-License-Identifier: Apache-2.0
// The session that asks: its runtime directory and its limits.
import type { Finding } from './finding.ts';
import type { HostReader } from './reader.ts';

export type RuntimeDirectoryFacts = {
  readonly uid: number;
  /** $XDG_RUNTIME_DIR, unset and empty alike undefined. */
  readonly path: string | undefined;
  readonly isDirectory: boolean;
  readonly owner: number | undefined;
  readonly mode: number;
};

export async function readRuntimeDirectory(reader: HostReader): Promise<RuntimeDirectoryFacts> {
  const path = reader.environment['XDG_RUNTIME_DIR'];
  const status = path === undefined || path === '' ? undefined : await reader.status(path);
  return {
    uid: reader.uid,
    path: path === '' ? undefined : path,
    isDirectory: status?.kind === 'directory',
    owner: status?.uid,
    mode: status?.mode ?? 0,
  };
}

/** Id `runtime-directory`: XDG Base Directory Specification, "$XDG_RUNTIME_DIR": owned by the user, mode 0700. */
export function judgeRuntimeDirectory(facts: RuntimeDirectoryFacts): Finding {
  const id = 'runtime-directory';
  const what = 'XDG_RUNTIME_DIR';
  // Batch jobs and su have none, and nothing is wrong with that.
  if (facts.path === undefined) return { id, state: 'ok', what, detail: 'not set; /run/user, /dev/shm or /tmp serves' };
  const administrator = 'Let pam_systemd (or the job prolog) make /run/user/UID with mode 0700 for each session.';
  const remedy = { user: 'Unset XDG_RUNTIME_DIR, or log in anew so that it is made.', administrator };
  if (!facts.isDirectory) {
    // sudo and batch systems pass on the variable of a session whose directory is elsewhere or gone.
    return { id, state: 'warning', what, detail: `${facts.path}: there is no such directory`, remedy };
  }
  if (facts.owner !== facts.uid) {
    return { id, state: 'warning', what, detail: `${facts.path} belongs to uid ${facts.owner}, not to you`, remedy };
  }
  if ((facts.mode & 0o077) !== 0) {
    const mode = `0${facts.mode.toString(8)}`;
    return { id, state: 'warning', what, detail: `${facts.path} has mode ${mode}: others can reach in`, remedy };
  }
  return { id, state: 'ok', what, detail: facts.path };
}

export type LimitFacts = {
  /** Soft limits of /proc/self/limits; undefined where unlimited or not given. */
  readonly processes: number | undefined;
  readonly openFiles: number | undefined;
  readonly lockedMemoryBytes: number | undefined;
  /** Whether the machine has an RDMA adapter (/sys/class/infiniband), for which memory must be lockable. */
  readonly hasRdma: boolean;
};

export async function readLimits(reader: HostReader): Promise<LimitFacts> {
  const text = (await reader.readText('/proc/self/limits')) ?? '';
  const soft = (name: string): number | undefined => {
    const value = new RegExp(`^${name} +(\\S+)`, 'm').exec(text)?.[1];
    return value === undefined || value === 'unlimited' ? undefined : Number(value);
  };
  return {
    processes: soft('Max processes'),
    openFiles: soft('Max open files'),
    lockedMemoryBytes: soft('Max locked memory'),
    hasRdma: (await reader.status('/sys/class/infiniband')) !== undefined,
  };
}

/** Id `limits`: only what is low enough to stop something. */
export function judgeLimits(facts: LimitFacts): Finding {
  const id = 'limits';
  const what = 'limits of this session';
  const low = [
    ...((facts.processes ?? Infinity) < 256 ? [`${facts.processes} processes`] : []),
    ...((facts.openFiles ?? Infinity) < 256 ? [`${facts.openFiles} open files`] : []),
    ...(facts.hasRdma && (facts.lockedMemoryBytes ?? Infinity) < 64 * 1024 * 1024
      ? [`${facts.lockedMemoryBytes} bytes of locked memory, too little for this machine's RDMA adapter`]
      : []),
  ];
  if (low.length === 0) {
    const show = (limit: number | undefined): string => (limit === undefined ? 'any number of' : String(limit));
    return { id, state: 'ok', what, detail: `${show(facts.processes)} processes, ${show(facts.openFiles)} open files` };
  }
  return {
    id,
    state: 'warning',
    what,
    detail: `only ${low.join(', ')}`,
    remedy: {
      user: 'Raise the soft limit with ulimit, as far as the hard limit goes.',
      administrator:
        "Raise the limit in /etc/security/limits.d; for Slurm see PropagateResourceLimits and slurmd's own.",
    },
  };
}
