// SPDX-License-Identifier: Apache-2.0
// Removes names from a store, and images that no name points to any more.
import { type Digest, formatImageReference, type ImageReference } from '../../model/index.ts';
import { removeIfPresent } from '../../sys/files.ts';
import { withLock } from '../../sys/lock-file.ts';
import { type LockWait, withImage } from './locked-image.ts';
import { storeLockPath, tagRecordPath } from './layout.ts';
import { resolveStored } from './lookup.ts';
import { fileStoreReader, listImages, listTags, readStoredTag } from './read-store.ts';

export type Removal = {
  /** The names that went. */
  readonly untagged: readonly ImageReference[];
  /** The image, if it went too. */
  readonly removed?: Digest;
  readonly freedBytes: number;
};

/**
 * Removes what `text` names: a name, and with its last name the image; a digest, the image with all its names.
 * Waits while the image is being pulled. Programs that run from it go on, as their mount holds the file (not where the
 * file system is NFS and the removal happens on another machine).
 * @throws SlipwayError as `resolveStored`; `permission-denied` in a store of another user.
 */
export async function removeImage(store: string, text: string, wait: LockWait): Promise<Removal> {
  for (;;) {
    const { tag, image } = resolveStored(text, store, fileStoreReader);
    const removal = await withImage(store, image.digest, wait, async (locked, signal) => {
      const named = tag?.reference;
      const { untagged, remaining } = await withLock(storeLockPath(store, 'tags'), { what: 'the tags', signal }, () =>
        named === undefined ? untagAll(store, image.digest) : untagOne(store, image.digest, named),
      );
      // Between look-up and lock the name may have come to mean another image: look again.
      if (named !== undefined && untagged.length === 0) return undefined;
      if (remaining > 0) return { untagged, freedBytes: 0 };
      return { untagged, removed: image.digest, freedBytes: await locked.remove() };
    });
    if (removal !== undefined) return removal;
  }
}

/** Removes every image without a name: what is left when a name is pulled again and has become another image. */
export async function removeUntagged(store: string, wait: LockWait): Promise<readonly Removal[]> {
  const removals: Removal[] = [];
  for (const { digest } of await listImages(store, () => undefined)) {
    if ((await tagsOf(store, digest)).length > 0) continue;
    const removal = await withImage(store, digest, wait, async (locked): Promise<Removal | undefined> => {
      if ((await tagsOf(store, digest)).length > 0) return undefined;
      return { untagged: [], removed: digest, freedBytes: await locked.remove() };
    });
    if (removal !== undefined) removals.push(removal);
  }
  return removals;
}

type Untagging = { readonly untagged: readonly ImageReference[]; readonly remaining: number };

async function untagOne(store: string, digest: Digest, reference: ImageReference): Promise<Untagging> {
  const tag = await readStoredTag(store, reference);
  if (tag?.digest !== digest) return { untagged: [], remaining: 0 };
  await removeIfPresent(tagRecordPath(store, reference));
  return { untagged: [reference], remaining: (await tagsOf(store, digest)).length };
}

async function untagAll(store: string, digest: Digest): Promise<Untagging> {
  const untagged = await tagsOf(store, digest);
  for (const reference of untagged) await removeIfPresent(tagRecordPath(store, reference));
  return { untagged, remaining: 0 };
}

async function tagsOf(store: string, digest: Digest): Promise<readonly ImageReference[]> {
  // A tag that can't be read holds no image: it could not be launched by that name either.
  const tags = await listTags(store, () => undefined);
  return tags
    .filter((tag) => tag.digest === digest)
    .map((tag) => tag.reference)
    .sort((a, b) => (formatImageReference(a) < formatImageReference(b) ? -1 : 1));
}
