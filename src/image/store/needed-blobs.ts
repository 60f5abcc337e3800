// SPDX-License-Identifier: Apache-2.0
// Who needs which blobs: see the locking rules at the head of layout.ts.
import type { Digest } from '../../model/index.ts';
import { listDirectoryIfPresent, readFileIfPresent, removeIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { isLocked, withLock } from '../../sys/lock-file.ts';
import { blobPath, digestOfFileName, imageLockPath, pullRecordPath, pullsDirectory, storeLockPath } from './layout.ts';
import { formatPullRecord, maxRecordBytes, parsePullRecord } from './records.ts';
import { temporaryPath } from './temporary.ts';

/** Notes that the pull of `image`, whose lock the caller holds, needs these blobs from now on. */
export async function noteNeededBlobs(
  store: string,
  image: Digest,
  blobs: readonly Digest[],
  signal: AbortSignal,
): Promise<void> {
  await withBlobsLock(store, signal, () =>
    writeFileAtomic(pullRecordPath(store, image), formatPullRecord(blobs), {
      mode: 0o644,
      temporary: temporaryPath(store),
    }),
  );
}

/**
 * Ends what `noteNeededBlobs` began. With `removing`, those of these blobs that no other pull needs are removed, with
 * their partial downloads; else they stay for the next attempt.
 */
export async function releaseNeededBlobs(
  store: string,
  image: Digest,
  options: { readonly removing: readonly Digest[]; readonly signal: AbortSignal },
): Promise<void> {
  // Without a lock, which a full disk may have no room for: nobody is misled by a note that is missing too early.
  await removeIfPresent(pullRecordPath(store, image));
  if (options.removing.length === 0) return;
  await withBlobsLock(store, options.signal, async () => {
    const needed = await neededBlobs(store);
    for (const blob of options.removing) {
      if (needed.has(blob)) continue;
      await removeIfPresent(blobPath(store, blob));
      await removeIfPresent(`${blobPath(store, blob)}.part`);
    }
  });
}

/**
 * Every blob that a pull which is alive has noted. Notes of dead pulls are removed, and the caller holds `blobs.lock`;
 * or nothing is changed, and the answer may be old when it comes.
 */
export async function neededBlobs(
  store: string,
  options: { readonly isOnlyLooking?: boolean } = {},
): Promise<ReadonlySet<Digest>> {
  const needed = new Set<Digest>();
  for (const name of (await listDirectoryIfPresent(pullsDirectory(store))) ?? []) {
    const image = digestOfFileName(name, '.json');
    if (image === undefined) continue;
    const path = pullRecordPath(store, image);
    // A pull notes its blobs after it has locked its image, and under blobs.lock: where the image is not locked now,
    // the note is of a pull that has died, and a new one is yet to write its own.
    if (!(await isLocked(imageLockPath(store, image)))) {
      if (options.isOnlyLooking !== true) await removeIfPresent(path);
      continue;
    }
    const text = await readFileIfPresent(path, { maxBytes: maxRecordBytes });
    if (text === undefined) continue;
    for (const blob of parsePullRecord(text.toString('utf8'), path)) needed.add(blob);
  }
  return needed;
}

export async function withBlobsLock<T>(store: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return await withLock(storeLockPath(store, 'blobs'), { what: 'the layers of the store', signal }, work);
}
