// SPDX-License-Identifier: Apache-2.0
// Clears away what killed processes have left: temporary files, locks that were only prepared, images without a record,
// blobs that nobody came back for. What belongs to a process that may be alive stays.
import { join } from 'node:path';
import type { Digest } from '../../model/index.ts';
import { listDirectoryIfPresent, removeTree, statIfPresent } from '../../sys/files.ts';
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

/** Something that can go. */
export type Garbage = {
  readonly kind: 'temporary' | 'lock' | 'squashfs' | 'layer';
  readonly path: string;
  readonly bytes: number;
};

type Sweep = { readonly store: string; readonly nowMs: number; readonly signal: AbortSignal };

/** Does nothing where another process sweeps at this moment. The bytes freed. */
export async function sweepStore(
  store: string,
  now: Date,
  wait: LockWait & { readonly onRemoved?: (garbage: Garbage) => void },
): Promise<number> {
  if ((await statIfPresent(store)) === undefined) return 0;
  const lock = { what: 'the sweep of the store', ...wait };
  let freedBytes = 0;
  const remove = async (garbage: Garbage): Promise<void> => {
    await removeTree(garbage.path);
    freedBytes += garbage.bytes;
    wait.onRemoved?.(garbage);
  };
  await withLockIfFree(storeLockPath(store, 'sweep'), lock, async (signal) => {
    const sweep = { store, nowMs: now.getTime(), signal };
    for (const garbage of await findLeftFiles(sweep)) await remove(garbage);
    await sweepBlobLocks(sweep);
    await sweepImages(sweep, remove);
    await withBlobsLock(store, signal, async () => {
      for (const garbage of await findBlobs(sweep, await neededBlobs(store))) await remove(garbage);
    });
  });
  return freedBytes;
}

/** What `sweepStore` would remove, found without a lock and without any change. */
export async function findGarbage(store: string, now: Date, signal: AbortSignal): Promise<readonly Garbage[]> {
  const sweep = { store, nowMs: now.getTime(), signal };
  const images: Garbage[] = [];
  for (const { digest, garbage } of await findImages(sweep)) {
    if (!(await isLocked(imageLockPath(store, digest)))) images.push(garbage);
  }
  const needed = await neededBlobs(store, { isOnlyLooking: true });
  return [...(await findLeftFiles(sweep)), ...images, ...(await findBlobs(sweep, needed))];
}

async function findLeftFiles(sweep: Sweep): Promise<readonly Garbage[]> {
  return [
    ...(await findTemporary(sweep, 'temporary', temporaryDirectory(sweep.store), (name) => name)),
    ...(await findTemporary(sweep, 'lock', locksDirectory(sweep.store), nameOfPreparedLock)),
  ];
}

async function findTemporary(
  sweep: Sweep,
  kind: Garbage['kind'],
  directory: string,
  temporaryNameIn: (entry: string) => string | undefined,
): Promise<readonly Garbage[]> {
  const found: Garbage[] = [];
  for (const entry of (await listDirectoryIfPresent(directory)) ?? []) {
    sweep.signal.throwIfAborted();
    const name = temporaryNameIn(entry);
    if (name === undefined) continue;
    const path = join(directory, entry);
    const liveness = livenessOfTemporary(name);
    if (liveness === 'alive') continue;
    const stat = await statIfPresent(path);
    if (stat === undefined || (liveness === 'unknown' && !isOld(sweep, stat.mtimeMs))) continue;
    found.push({ kind, path, bytes: stat.isFile() ? stat.size : 0 });
  }
  return found;
}

/** A lock in use is `NAME.lock`; one that a process prepared is `NAME.lock.TEMPORARY`. */
function nameOfPreparedLock(entry: string): string | undefined {
  const end = entry.indexOf('.lock.');
  return end < 0 ? undefined : entry.slice(end + '.lock.'.length);
}

/** Nobody comes for the lock of a dead process where the layer is packed already. */
async function sweepBlobLocks({ store, signal }: Sweep): Promise<void> {
  for (const entry of (await listDirectoryIfPresent(locksDirectory(store))) ?? []) {
    if (!/^blob-[0-9a-f]+\.lock$/.test(entry)) continue;
    // Whoever takes it over removes it.
    await withLockIfFree(join(locksDirectory(store), entry), { what: entry, signal }, async () => undefined);
  }
}

/** Images without a record. It may be about to be written, by whoever holds the lock. */
async function findImages({
  store,
}: Sweep): Promise<readonly { readonly digest: Digest; readonly garbage: Garbage }[]> {
  const found: { readonly digest: Digest; readonly garbage: Garbage }[] = [];
  for (const name of (await listDirectoryIfPresent(imagesDirectory(store))) ?? []) {
    const digest = digestOfFileName(name, '.squashfs');
    if (digest === undefined || (await statIfPresent(imageRecordPath(store, digest))) !== undefined) continue;
    const path = squashfsPath(store, digest);
    const stat = await statIfPresent(path);
    if (stat !== undefined) found.push({ digest, garbage: { kind: 'squashfs', path, bytes: stat.size } });
  }
  return found;
}

async function sweepImages(sweep: Sweep, remove: (garbage: Garbage) => Promise<void>): Promise<void> {
  const { store, signal } = sweep;
  for (const { digest, garbage } of await findImages(sweep)) {
    await withLockIfFree(imageLockPath(store, digest), { what: `image ${digest}`, signal }, async () => {
      if ((await statIfPresent(imageRecordPath(store, digest))) === undefined) await remove(garbage);
    });
  }
}

async function findBlobs(sweep: Sweep, needed: ReadonlySet<Digest>): Promise<readonly Garbage[]> {
  const { store } = sweep;
  const found: Garbage[] = [];
  for (const algorithm of ['sha256', 'sha512']) {
    const directory = join(blobsDirectory(store), algorithm);
    for (const name of (await listDirectoryIfPresent(directory)) ?? []) {
      const blob = digestOfFileName(name, '') ?? digestOfFileName(name, '.part');
      if (blob !== undefined && (needed.has(blob) || (await isLocked(blobLockPath(store, blob))))) continue;
      const path = join(directory, name);
      const stat = await statIfPresent(path);
      if (stat !== undefined && isOld(sweep, stat.mtimeMs)) found.push({ kind: 'layer', path, bytes: stat.size });
    }
  }
  return found;
}

function isOld(sweep: Sweep, mtimeMs: number): boolean {
  return sweep.nowMs - mtimeMs > abandonedAfterMs;
}
