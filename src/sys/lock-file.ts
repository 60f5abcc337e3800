// SPDX-License-Identifier: Apache-2.0
// A lock for processes that share a file system and nothing else: no flock (Lustre may be mounted without), no clock in
// common, holders that die.
//
// The lock is a directory, `PATH/`, that holds one file named by its holder's token. To acquire it is one system call:
// a directory prepared beside it, its file inside, is renamed to PATH. rename(2) does that only where PATH is absent or
// an *empty* directory, else it fails with ENOTEMPTY or EEXIST: of any number of contenders one wins, and nobody
// ever sees a lock without its holder's record. To release it, or to clear away a dead holder, is to unlink that one
// file by its unique name, which can never hit another holder. (A lock that is a single file has no such step: between
// the judgement that it is stale and its removal another process can have replaced it, and a live lock is removed.)
//
// A holder is dead when its process is gone (same machine), or when its file's mtime, renewed every few seconds, has
// stood still: for `silenceMs` of the waiter's own steady clock, or at once when the file system's own time stamps say
// that it is `abandonedMs` old. A process that was paused on another machine may thus lose its lock while it lives; it
// learns so by its signal, and what these locks protect is therefore also written by rename and named by content.
import { watch } from 'node:fs';
import { mkdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Emit, type PullEvent, SlipwayError } from '../model/index.ts';
import { attempting, isErrno } from './file-errors.ts';
import {
  createHolderJudge,
  defaultLockTiming,
  describeHolder,
  type HolderJudge,
  type LockHolder,
  type LockTiming,
  readHolders,
  renewHolder,
  writeHolder,
} from './lock-holder.ts';
import { temporaryName } from './process-identity.ts';

export type WaitingForLock = Extract<PullEvent, { readonly type: 'waiting-for-lock' }>;

export type LockOptions = {
  /** What the lock protects, for people: `image sha256:…`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** Told once about each holder that is waited for. */
  readonly emit?: Emit<WaitingForLock>;
  readonly timing?: LockTiming;
};

/**
 * Runs `work` while holding the lock at `path`, whose directory exists; waits for the lock as long as it takes.
 * The signal that `work` gets follows `options.signal`, and is aborted with `lock-lost` if another process took the
 * lock over. The lock is released however `work` ends.
 * @throws the signal's reason; `permission-denied` where a dead holder's lock may not be removed, and the like.
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const token = await attempting('lock', path, () => acquire(path, options));
  return await holding(path, token, options, work);
}

/** As `withLock`, but does nothing and answers undefined where somebody holds the lock who is not known to be dead. */
export async function withLockIfFree<T>(
  path: string,
  options: LockOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  options.signal.throwIfAborted();
  const judge = createHolderJudge(options.timing ?? defaultLockTiming);
  const token = await attempting('lock', path, () => tryAcquire(path, judge));
  return token === undefined ? undefined : await holding(path, token, options, work);
}

/** Whether somebody holds the lock who is not known to be dead. Changes nothing and does not wait. */
export async function isLocked(path: string): Promise<boolean> {
  const judge = createHolderJudge(defaultLockTiming);
  const holders = await attempting('examine the lock', path, () => readHolders(path));
  return holders.some((holder) => !judge.isDead(holder));
}

async function holding<T>(
  path: string,
  token: string,
  options: LockOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  let isRenewing = false;
  const heartbeat = setInterval(
    () => {
      if (isRenewing) return;
      isRenewing = true;
      renewHolder(join(path, token))
        .catch((error: unknown) => {
          // Only absence tells that the lock is lost; an unwell file system may recover before others lose patience.
          if (isErrno(error, 'ENOENT', 'ENOTDIR'))
            lost.abort(new SlipwayError('lock-lost', { path, what: options.what }));
        })
        .finally(() => {
          isRenewing = false;
        });
    },
    (options.timing ?? defaultLockTiming).heartbeatMs,
  );
  heartbeat.unref();
  try {
    return await work(AbortSignal.any([options.signal, lost.signal]));
  } finally {
    clearInterval(heartbeat);
    await attempting('release the lock', path, () => release(path, token));
  }
}

async function acquire(path: string, options: LockOptions): Promise<string> {
  const timing = options.timing ?? defaultLockTiming;
  const judge = createHolderJudge(timing);
  const announced = new Set<string>();
  options.signal.throwIfAborted();
  let changes: EntryWatch | undefined;
  try {
    return await withPrepared(path, judge, async (candidate) => {
      let nextLookMs = 0;
      for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.6, timing.recheckMs)) {
        options.signal.throwIfAborted();
        if (await candidate.tryRename()) return candidate.token;
        if (changes === undefined) {
          // Try again: it may have become free before this began to watch.
          changes = watchEntry(path);
          continue;
        }
        // Every release wakes every waiter, for one rename; to look at the holder costs several requests more.
        if (performance.now() >= nextLookMs) {
          const living = await clearDead(path, judge);
          if (living.length === 0) continue;
          for (const holder of living) {
            if (announced.has(holder.token)) continue;
            announced.add(holder.token);
            options.emit?.({ type: 'waiting-for-lock', what: options.what, heldBy: describeHolder(holder) });
          }
          // Once the lock is taken this is its holder's time stamp, which must not look old then.
          await candidate.renew();
          nextLookMs = performance.now() + pauseMs;
        }
        await changes.wait(pauseMs, options.signal);
      }
    });
  } finally {
    changes?.close();
  }
}

/** One attempt, and a second where the holders were dead. */
async function tryAcquire(path: string, judge: HolderJudge): Promise<string | undefined> {
  return await withPrepared(path, judge, async (candidate) => {
    if (await candidate.tryRename()) return candidate.token;
    const isFree = (await clearDead(path, judge)).length === 0;
    return isFree && (await candidate.tryRename()) ? candidate.token : undefined;
  });
}

type Candidate = {
  readonly token: string;
  /** Takes the lock if it is free. */
  readonly tryRename: () => Promise<boolean>;
  readonly renew: () => Promise<void>;
};

/** Prepares a directory to take the lock with, which goes when `compete` ends without the lock. */
async function withPrepared<T>(
  path: string,
  judge: HolderJudge,
  compete: (candidate: Candidate) => Promise<T>,
): Promise<T> {
  const token = temporaryName();
  const prepared = `${path}.${token}`;
  let hasWon = false;
  try {
    await mkdir(prepared);
    judge.setFileSystemTime(await writeHolder(join(prepared, token)));
    return await compete({
      token,
      tryRename: async () => {
        hasWon = await renameToFree(prepared, path, token);
        return hasWon;
      },
      renew: () => renewHolder(join(prepared, token)),
    });
  } finally {
    if (!hasWon) await rm(prepared, { recursive: true, force: true });
  }
}

/** Removes the records of dead holders; the living ones. */
async function clearDead(path: string, judge: HolderJudge): Promise<readonly LockHolder[]> {
  const holders = await readHolders(path);
  const dead = new Set(holders.filter((holder) => judge.isDead(holder)));
  for (const { token } of dead) await unlinkIfPresent(join(path, token));
  return holders.filter((holder) => !dead.has(holder));
}

async function renameToFree(prepared: string, path: string, token: string): Promise<boolean> {
  try {
    await rename(prepared, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
    // NFS repeats a request whose answer was lost, and reports then that its source is gone: see whether it succeeded.
    if (isErrno(error, 'ENOENT') && (await isPresent(join(path, token)))) return true;
    throw error;
  }
}

async function release(path: string, token: string): Promise<void> {
  await unlinkIfPresent(join(path, token));
  try {
    await rmdir(path);
  } catch (error) {
    // The next holder is in already, or has come and gone. An empty directory that stays is a free lock as well.
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY', 'EACCES', 'EPERM')) throw error;
  }
}

async function unlinkIfPresent(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}

async function isPresent(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

type EntryWatch = {
  /** Waits until the entry changes or has changed after the last wait, the time is over, or the signal is aborted. */
  readonly wait: (limitMs: number, signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
};

/** Watches one name in its directory, as far as the system can: without inotify, `wait` lasts its whole time. */
function watchEntry(path: string): EntryWatch {
  const name = basename(path);
  let hasChanged = false;
  let wake = (): void => undefined;
  let close = (): void => undefined;
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_kind, changed) => {
      if (changed !== name) return;
      hasChanged = true;
      wake();
    });
    watcher.on('error', () => watcher.close());
    close = () => watcher.close();
  } catch {
    // No inotify instance is left, or the directory is missing: the attempt to lock will tell.
  }
  return {
    wait: async (limitMs, signal) => {
      if (!hasChanged && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const end = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', end);
            wake = (): void => undefined;
            resolve();
          };
          const timer = setTimeout(end, limitMs);
          signal.addEventListener('abort', end);
          wake = end;
        });
      }
      hasChanged = false;
    },
    close: () => close(),
  };
}
