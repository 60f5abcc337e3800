// SPDX-License-Identifier: Apache-2.0
// What may be done to one image while its lock is held: the only way to write or remove an image or to point a tag
// at it, so that nobody tags an image that another is removing.
import type { Digest, Emit, ImageReference, Verification } from '../../model/index.ts';
import { moveDurably, removeIfPresent, statIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { type WaitingForLock, withLock } from '../../sys/lock-file.ts';
import { closeToOthers, openToEveryone, restrictToReaders } from '../../sys/read-access.ts';
import type { ImageAccess, StoredImage } from '../types.ts';
import {
  imageLockPath,
  imageRecordPath,
  imageSumPath,
  squashfsPath,
  storeLockPath,
  tagRecordPath,
  blobsDirectory,
  packsDirectory,
  temporaryDirectory,
} from './layout.ts';
import { readWholeImage } from './read-store.ts';
import { formatStoredImage, formatStoredTag } from './records.ts';
import { temporaryPath } from './temporary.ts';

export type LockWait = {
  readonly signal: AbortSignal;
  readonly emit?: Emit<WaitingForLock>;
};

export type LockedImage = {
  readonly digest: Digest;
  /** The image if it is there and whole. */
  readonly read: () => Promise<StoredImage | undefined>;
  /** Moves a finished squashfs of the store's `tmp` into place, and then lets the image exist. */
  readonly put: (image: StoredImage, finishedSquashfs: string) => Promise<void>;
  /** Lets only these use the image, or everybody. Who can't read its files can't use it. */
  readonly setAccess: (image: StoredImage, access: ImageAccess | undefined) => Promise<void>;
  /** Writes down how the image was found acceptable. */
  readonly note: (image: StoredImage, verification: Verification) => Promise<void>;
  /** Keeps the sum of the image's file, for later checks. */
  readonly noteSum: (sha256: string) => Promise<void>;
  /** Points a tag at the image, wherever it pointed before. */
  readonly tag: (reference: ImageReference, pulled: Date) => Promise<void>;
  /** Removes the image, with what a failed removal or write may have left of it; the bytes freed. */
  readonly remove: () => Promise<number>;
};

/** Runs `work` while nobody else writes or removes this image; its signal also tells of a lost lock. */
export async function withImage<T>(
  store: string,
  digest: Digest,
  wait: LockWait,
  work: (image: LockedImage, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lock = { what: `image ${digest}`, ...wait };
  return await withLock(imageLockPath(store, digest), lock, (signal) =>
    work(lockedImage(store, digest, signal), signal),
  );
}

/** For whoever holds the image's lock. */
export function lockedImage(store: string, digest: Digest, signal: AbortSignal): LockedImage {
  return {
    digest,
    read: () => readWholeImage(store, digest),
    put: async (image, finishedSquashfs) => {
      const size = (await statIfPresent(finishedSquashfs))?.size;
      if (image.digest !== digest || size !== image.sizeBytes) {
        throw new Error(`image ${digest}: record of ${image.digest}, ${image.sizeBytes} bytes, does not fit (${size})`);
      }
      signal.throwIfAborted();
      // A record that is there belongs to a squashfs that is missing or cut: readers must not pair it with the new one.
      await removeIfPresent(imageRecordPath(store, digest));
      await removeIfPresent(imageSumPath(store, digest));
      const { access } = image;
      await moveDurably(finishedSquashfs, squashfsPath(store, digest), { mode: access === undefined ? 0o444 : 0o400 });
      if (access !== undefined) await restrictToReaders(squashfsPath(store, digest), access, signal);
      await writeRecord(store, image, signal);
    },
    setAccess: async (image, access) => {
      const { access: _, ...rest } = image;
      const path = squashfsPath(store, digest);
      if (access === undefined) {
        // The record last: it alone lets the image be found.
        await openToEveryone(path);
        await writeRecord(store, rest, signal);
      } else {
        await closeWorkDirectories(store);
        await writeRecord(store, { ...rest, access }, signal);
        await restrictToReaders(path, access, signal);
      }
    },
    note: async (image, verification) => {
      await writeRecord(store, { ...image, verification }, signal);
    },
    noteSum: async (sha256) => {
      await writeFileAtomic(imageSumPath(store, digest), `${sha256}\n`, {
        mode: 0o644,
        temporary: temporaryPath(store),
      });
    },
    tag: async (reference, pulled) => {
      await withLock(storeLockPath(store, 'tags'), { what: 'the tags', signal }, async () => {
        const text = formatStoredTag({ reference, digest, pulled: pulled.toISOString() });
        await writeFileAtomic(tagRecordPath(store, reference), text, {
          mode: 0o644,
          temporary: temporaryPath(store),
        });
      });
    },
    remove: async () => {
      await removeIfPresent(imageRecordPath(store, digest));
      await removeIfPresent(imageSumPath(store, digest));
      const path = squashfsPath(store, digest);
      const sizeBytes = (await statIfPresent(path))?.size ?? 0;
      await removeIfPresent(path);
      return sizeBytes;
    },
  };
}

/** Never readable for others than it is meant for, not even for a moment. */
async function writeRecord(store: string, image: StoredImage, signal: AbortSignal): Promise<void> {
  const path = imageRecordPath(store, image.digest);
  await writeFileAtomic(path, formatStoredImage(image), {
    mode: image.access === undefined ? 0o644 : 0o600,
    temporary: temporaryPath(store),
  });
  if (image.access !== undefined) await restrictToReaders(path, image.access, signal);
}

/** Layers on their way, and those that are kept, hold what images hold: where one is not for all, they are for writers. */
export async function closeWorkDirectories(store: string): Promise<void> {
  for (const directory of [blobsDirectory(store), packsDirectory(store), temporaryDirectory(store)]) {
    await closeToOthers(directory);
  }
}
