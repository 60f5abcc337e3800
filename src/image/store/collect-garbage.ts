// SPDX-License-Identifier: Apache-2.0
// Makes room in a store: images that no name points to, packs of layers that no image has, and what killed processes have
// left. First it is found out what could go, which changes nothing; then each thing is looked at again under its lock.
import type { Digest } from '../../model/index.ts';
import { removeIfPresent, statIfPresent } from '../../sys/files.ts';
import { isLocked } from '../../sys/lock-file.ts';
import { imageLockPath, imageRecordPath, squashfsPath } from './layout.ts';
import { type LockWait, withImage } from './locked-image.ts';
import { neededBlobs, withBlobsLock } from './needed-blobs.ts';
import { type KeptPack, listPacks } from './pack-cache.ts';
import { listImages, listTags } from './read-store.ts';
import { findGarbage, type Garbage, sweepStore } from './sweep-store.ts';

export type CollectionGoal = {
  readonly now: Date;
  /** Images without a name that were converted, and packs that were used, less long ago than this stay. */
  readonly minAgeMs: number;
  /** Packs of layers that images have stay as long as all packs together take no more than this. */
  readonly maxPackBytes?: number;
};

export type Collected =
  | Garbage
  | { readonly kind: 'image'; readonly path: string; readonly bytes: number; readonly digest: Digest }
  | { readonly kind: 'pack'; readonly path: string; readonly bytes: number };

/** What `collectGarbage` would remove now. Takes no lock and changes nothing. */
export async function planCollection(
  store: string,
  goal: CollectionGoal,
  signal: AbortSignal,
): Promise<readonly Collected[]> {
  const images: Collected[] = [];
  for (const digest of await untaggedImages(store, goal)) {
    if (await isLocked(imageLockPath(store, digest))) continue;
    images.push({ kind: 'image', digest, ...(await sizeOf(store, digest)) });
  }
  const gone = new Set(images.flatMap((each) => (each.kind === 'image' ? [each.digest] : [])));
  const needed = await neededBlobs(store, { isOnlyLooking: true });
  const packs = (await superfluousPacks(store, goal, gone)).filter((pack) => isFree(pack, needed)).map(asCollected);
  return [...images, ...packs, ...(await findGarbage(store, goal.now, signal))];
}

/**
 * Removes what `planCollection` finds, as far as it is still so under each thing's lock; waits for no pull.
 * @returns bytes freed
 */
export async function collectGarbage(
  store: string,
  goal: CollectionGoal,
  wait: LockWait & { readonly onRemoved: (removed: Collected) => void },
): Promise<number> {
  if ((await statIfPresent(store)) === undefined) return 0;
  let freedBytes = 0;
  const note = (removed: Collected): void => {
    freedBytes += removed.bytes;
    wait.onRemoved(removed);
  };
  for (const digest of await untaggedImages(store, goal)) {
    // An image whose lock is held is being pulled anew, or removed.
    if (await isLocked(imageLockPath(store, digest))) continue;
    await withImage(store, digest, wait, async (locked) => {
      if (!(await untaggedImages(store, goal)).includes(digest)) return;
      const removed = { kind: 'image', digest, ...(await sizeOf(store, digest)) } as const;
      await locked.remove();
      note(removed);
    });
  }
  await withBlobsLock(store, wait.signal, async () => {
    const needed = await neededBlobs(store);
    for (const pack of await superfluousPacks(store, goal, new Set())) {
      if (!isFree(pack, needed)) continue;
      await removeIfPresent(pack.path);
      note(asCollected(pack));
    }
  });
  await sweepStore(store, goal.now, { ...wait, onRemoved: note });
  return freedBytes;
}

async function untaggedImages(store: string, goal: CollectionGoal): Promise<readonly Digest[]> {
  const images = await listImages(store, () => undefined);
  let isTagUnreadable = false;
  // After the images, so that one that was tagged meanwhile is not taken for untagged.
  const tags = await listTags(store, () => {
    isTagUnreadable = true;
  });
  // Whatever such a tag points to would be lost: `slipway fsck` comes first.
  if (isTagUnreadable) return [];
  const tagged = new Set(tags.map(({ digest }) => digest));
  const youngestMs = goal.now.getTime() - goal.minAgeMs;
  return images
    .filter(({ digest, converted }) => !tagged.has(digest) && !(Date.parse(converted) > youngestMs))
    .map(({ digest }) => digest);
}

/** Packs whose layer is in no image, and of the others the longest unused, beyond the goal. */
async function superfluousPacks(
  store: string,
  goal: CollectionGoal,
  goneImages: ReadonlySet<Digest>,
): Promise<readonly KeptPack[]> {
  const images = await listImages(store, () => undefined);
  const layers = new Set(
    images.filter(({ digest }) => !goneImages.has(digest)).flatMap((image) => image.layers.map(({ digest }) => digest)),
  );
  const packs = (await listPacks(store)).toSorted((a, b) => a.usedMs - b.usedMs);
  const isOrphan = (pack: KeptPack): boolean => pack.layer === undefined || !layers.has(pack.layer);
  const orphans = packs.filter((pack) => isOrphan(pack) && goal.now.getTime() - pack.usedMs >= goal.minAgeMs);
  if (goal.maxPackBytes === undefined) return orphans;
  const others = packs.filter((pack) => !orphans.includes(pack));
  let excessBytes = others.reduce((sum, { bytes }) => sum + bytes, 0) - goal.maxPackBytes;
  const excess = others.filter(({ bytes }) => {
    const isExcess = excessBytes > 0;
    if (isExcess) excessBytes -= bytes;
    return isExcess;
  });
  return [...orphans, ...excess];
}

function isFree({ layer }: KeptPack, needed: ReadonlySet<Digest>): boolean {
  return layer === undefined || !needed.has(layer);
}

function asCollected({ path, bytes }: KeptPack): Collected {
  return { kind: 'pack', path, bytes };
}

async function sizeOf(store: string, digest: Digest): Promise<{ readonly path: string; readonly bytes: number }> {
  const path = squashfsPath(store, digest);
  const stats = await Promise.all([path, imageRecordPath(store, digest)].map(statIfPresent));
  return { path, bytes: stats.reduce((sum, stat) => sum + (stat?.size ?? 0), 0) };
}
