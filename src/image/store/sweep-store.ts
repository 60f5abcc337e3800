// SPDX-License-Identifier: Apache-2.0
// Clears away what killed processes have left: temporary files, locks that were only prepared, images without a record,
// blobs that nobody came back for. What belongs to a process that may be alive stays.
import { join } from 'node:path';
import { listDirectoryIfPresent, removeIfPresent, removeTree, statIfPresent } from '../../sys/files.ts';
import { isLocked, withLockIfFree } from '../../sys/lock-file.ts';
import { livenessOfTemporary } from '../../sys/process-identity.ts';
import {
  blobLockPath,
  blobsDirectory,
  digestOfFileName,
  imageLockPath,
  imageRecordPath,
  imagesDirectory,
  locksDirectory,
  squashfsPath,
  storeLockPath,
  temporaryDirectory,
} from './layout.ts';
import type { LockWait } from './locked-image.ts';
import { neededBlobs, withBlobsLock } from './needed-blobs.ts';

/** What can't be judged otherwise is garbage after a day. Compared with the time of day: clocks may differ by hours. */
const abandonedAfterMs = 24 * 3600 * 1000;

/** Does nothing where another process sweeps at this moment. The bytes freed. */
export async function sweepStore(store: string, now: Date, wait: LockWait): Promise<number> {
  const lock = { what: 'the sweep of the store', ...wait };
  const freedBytes = await withLockIfFree(storeLockPath(store, 'sweep'), lock, async (signal) => {
    const sweep = { store, nowMs: now.getTime(), signal };
    return (
      (await sweepTemporary(sweep, temporaryDirectory(store), (name) => name)) +
      (await sweepTemporary(sweep, locksDirectory(store), nameOfPreparedLock)) +
      (await sweepBlobLocks(sweep)) +
      (await sweepImages(sweep)) +
      (await sweepBlobs(sweep))
    );
  });
  return freedBytes ?? 0;
}

type Sweep = { readonly store: string; readonly nowMs: number; readonly signal: AbortSignal };

async function sweepTemporary(
  sweep: Sweep,
  directory: string,
  temporaryNameIn: (entry: string) => string | undefined,
): Promise<number> {
  let freedBytes = 0;
  for (const entry of (await listDirectoryIfPresent(directory)) ?? []) {
    sweep.signal.throwIfAborted();
    const name = temporaryNameIn(entry);
    if (name === undefined) continue;
    const path = join(directory, entry);
    const liveness = livenessOfTemporary(name);
    if (liveness === 'alive') continue;
    const stat = await statIfPresent(path);
    if (stat === undefined || (liveness === 'unknown' && !isOld(sweep, stat.mtimeMs))) continue;
    await removeTree(path);
    freedBytes += stat.isFile() ? stat.size : 0;
  }
  return freedBytes;
}

/** A lock in use is `NAME.lock`; one that a process prepared is `NAME.lock.TEMPORARY`. */
function nameOfPreparedLock(entry: string): string | undefined {
  const end = entry.indexOf('.lock.');
  return end < 0 ? undefined : entry.slice(end + '.lock.'.length);
}

/** Nobody comes for the lock of a dead process where the layer is packed already. */
async function sweepBlobLocks({ store, signal }: Sweep): Promise<number> {
  for (const entry of (await listDirectoryIfPresent(locksDirectory(store))) ?? []) {
    if (!/^blob-[0-9a-f]+\.lock$/.test(entry)) continue;
    // Whoever takes it over removes it.
    await withLockIfFree(join(locksDirectory(store), entry), { what: entry, signal }, async () => undefined);
  }
  return 0;
}

async function sweepImages(sweep: Sweep): Promise<number> {
  const { store, signal } = sweep;
  let freedBytes = 0;
  for (const name of (await listDirectoryIfPresent(imagesDirectory(store))) ?? []) {
    const digest = digestOfFileName(name, '.squashfs');
    if (digest === undefined || (await statIfPresent(imageRecordPath(store, digest))) !== undefined) continue;
    // Its record may be about to be written, by whoever holds the lock.
    const lock = { what: `image ${digest}`, signal };
    await withLockIfFree(imageLockPath(store, digest), lock, async () => {
      if ((await statIfPresent(imageRecordPath(store, digest))) !== undefined) return;
      freedBytes += (await statIfPresent(squashfsPath(store, digest)))?.size ?? 0;
      await removeIfPresent(squashfsPath(store, digest));
    });
  }
  return freedBytes;
}

async function sweepBlobs(sweep: Sweep): Promise<number> {
  const { store, signal } = sweep;
  return await withBlobsLock(store, signal, async () => {
    const needed = await neededBlobs(store);
    let freedBytes = 0;
    for (const algorithm of ['sha256', 'sha512']) {
      const directory = join(blobsDirectory(store), algorithm);
      for (const name of (await listDirectoryIfPresent(directory)) ?? []) {
        const blob = digestOfFileName(name, '') ?? digestOfFileName(name, '.part');
        if (blob !== undefined && (needed.has(blob) || (await isLocked(blobLockPath(store, blob))))) continue;
        const path = join(directory, name);
        const stat = await statIfPresent(path);
        if (stat === undefined || !isOld(sweep, stat.mtimeMs)) continue;
        await removeTree(path);
        freedBytes += stat.size;
      }
    }
    return freedBytes;
  });
}

function isOld(sweep: Sweep, mtimeMs: number): boolean {
  return sweep.nowMs - mtimeMs > abandonedAfterMs;
}
