// SPDX-License-Identifier: Apache-2.0
// Who holds a lock (see lock-file.ts), and whether that process still lives.
import { open, readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '../model/index.ts';
import { isErrno } from './file-errors.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from './process-identity.ts';

export type LockTiming = {
  /** Between two signs of life. */
  readonly heartbeatMs: number;
  /** Without a sign of life, watched for so long, a holder that can't be examined is taken to be dead. */
  readonly silenceMs: number;
  /** A last sign of life that is older by the file system's time stamps is judged at once. More than clocks differ. */
  readonly abandonedMs: number;
  /** The longest pause between two looks: network file systems report no changes, and no dead holder ever does. */
  readonly recheckMs: number;
};

export const defaultLockTiming: LockTiming = {
  heartbeatMs: 5_000,
  silenceMs: 60_000,
  abandonedMs: 900_000,
  recheckMs: 1_000,
};

export type LockHolder = {
  /** The name of its file in the lock's directory. */
  readonly token: string;
  /** Undefined where the record can't be read or is none. */
  readonly process: ProcessIdentity | undefined;
  /** The last sign of life, by the file system's clock. */
  readonly mtimeMs: number;
};

/** The holders in a lock's directory: none or one, apart from left-overs of network file systems. */
export async function readHolders(lock: string): Promise<readonly LockHolder[]> {
  let tokens: readonly string[];
  try {
    tokens = await readdir(lock);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
  const holders = await Promise.all(tokens.map((token) => readHolder(lock, token)));
  return holders.filter((holder) => holder !== undefined);
}

/** Writes this process's record and answers the file system's time, in ms. */
export async function writeHolder(path: string): Promise<number> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(JSON.stringify(thisProcess()));
    return (await file.stat()).mtimeMs;
  } finally {
    await file.close();
  }
}

/** Gives a sign of life. */
export async function renewHolder(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

/** For people. */
export function describeHolder(holder: LockHolder): string {
  return holder.process === undefined ? 'another process' : `process ${holder.process.pid} on ${holder.process.host}`;
}

/** Judges whether holders are dead; remembers since when each one's time stamp has stood still. */
export type HolderJudge = {
  /** Tells the file system's clock, as seen on a file made just now. */
  readonly setFileSystemTime: (fileSystemMs: number) => void;
  readonly isDead: (holder: LockHolder) => boolean;
};

export function createHolderJudge(timing: LockTiming): HolderJudge {
  const firstSeen = new Map<string, { readonly mtimeMs: number; readonly atMs: number }>();
  let fileSystemAheadMs: number | undefined;
  return {
    setFileSystemTime: (fileSystemMs) => {
      fileSystemAheadMs = fileSystemMs - performance.now();
    },
    isDead: (holder) => {
      const liveness = holder.process === undefined ? 'unknown' : livenessOf(holder.process);
      if (liveness !== 'unknown') return liveness === 'gone';
      const nowMs = performance.now();
      if (fileSystemAheadMs !== undefined && nowMs + fileSystemAheadMs - holder.mtimeMs > timing.abandonedMs)
        return true;
      const seen = firstSeen.get(holder.token);
      if (seen === undefined || seen.mtimeMs !== holder.mtimeMs) {
        firstSeen.set(holder.token, { mtimeMs: holder.mtimeMs, atMs: nowMs });
        return false;
      }
      return nowMs - seen.atMs > timing.silenceMs;
    },
  };
}

async function readHolder(lock: string, token: string): Promise<LockHolder | undefined> {
  const path = join(lock, token);
  try {
    // Opening, not stat alone: NFS asks the server for a file's attributes at each open ("close-to-open", nfs(5)),
    // and may answer a stat from its cache for a minute.
    const file = await open(path, 'r');
    try {
      const { mtimeMs } = await file.stat();
      const text = Buffer.alloc(4096);
      const { bytesRead } = await file.read(text, 0, text.length, 0);
      return { token, process: parseIdentity(text.toString('utf8', 0, bytesRead)), mtimeMs };
    } finally {
      await file.close();
    }
  } catch (error) {
    // It was released meanwhile; ESTALE is how NFS says so.
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ESTALE')) return undefined;
    if (isErrno(error, 'EACCES')) return { token, process: undefined, mtimeMs: (await stat(path)).mtimeMs };
    throw error;
  }
}

function parseIdentity(text: string): ProcessIdentity | undefined {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { host, bootId, pidNamespace, pid, startTicks } = value as Partial<Record<keyof ProcessIdentity, unknown>>;
  if (typeof host !== 'string' || typeof bootId !== 'string' || typeof pidNamespace !== 'string') return undefined;
  if (typeof startTicks !== 'string' || typeof pid !== 'number') return undefined;
  // kill(2) gives 0 and negative numbers other meanings.
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { host, bootId, pidNamespace, pid, startTicks };
}
