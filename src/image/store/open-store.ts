// SPDX-License-Identifier: Apache-2.0
// A store as one value: what the commands work with.
import type { Digest, ImageReference } from '../../model/index.ts';
import { readFileIfPresent } from '../../sys/files.ts';
import type { StoredImage, StoredTag } from '../types.ts';
import { squashfsPath, versionPath } from './layout.ts';
import { closeWorkDirectories, type LockedImage, type LockWait, withImage } from './locked-image.ts';
import { checkStoreVersion, type FoundImage, resolveStored } from './lookup.ts';
import { measureUsage, type StoreUsage } from './measure-usage.ts';
import { type PackCache, packCache } from './pack-cache.ts';
import { prepareStore } from './prepare-store.ts';
import {
  fileStoreReader,
  listImages,
  listTags,
  type OnDamage,
  readStoredImage,
  readStoredTag,
  readWholeImage,
} from './read-store.ts';
import { type Removal, removeImage, removeUntagged } from './remove-image.ts';
import { sweepStore } from './sweep-store.ts';
import { temporaryPath } from './temporary.ts';

export type Store = {
  readonly path: string;
  readonly listTags: (onDamage: OnDamage) => Promise<readonly StoredTag[]>;
  readonly listImages: (onDamage: OnDamage) => Promise<readonly StoredImage[]>;
  readonly readTag: (reference: ImageReference) => Promise<StoredTag | undefined>;
  readonly readImage: (digest: Digest) => Promise<StoredImage | undefined>;
  /** As `readImage`, but undefined as well where the squashfs is missing or cut, or the record damaged. */
  readonly readWholeImage: (digest: Digest) => Promise<StoredImage | undefined>;
  /** The image that a person names; see `resolveStored` for the rules and errors. */
  readonly findImage: (text: string) => FoundImage;
  /** Where an image's squashfs is, or would be. */
  readonly imagePath: (digest: Digest) => string;
  /** A path on the store's file system for a file being made; see `LockedImage.put`. */
  readonly temporaryPath: () => string;
  /** Makes what is missing; to be called before anything below. @throws SlipwayError `store-not-writable`. */
  readonly prepare: () => Promise<void>;
  /** Runs `work` while nobody else writes or removes this image. */
  readonly withImage: <T>(
    digest: Digest,
    wait: LockWait,
    work: (image: LockedImage, signal: AbortSignal) => Promise<T>,
  ) => Promise<T>;
  /** Removes a name, and with the last name its image; or an image by its digest, with all its names. */
  readonly remove: (text: string, wait: LockWait) => Promise<Removal>;
  readonly removeUntagged: (wait: LockWait) => Promise<readonly Removal[]>;
  /** Clears away what killed processes have left; the bytes freed. */
  readonly sweep: (now: Date, wait: LockWait) => Promise<number>;
  /** Closes what holds layers to all but the store's owner and group: before an image comes that is not for all. */
  readonly closeLayers: () => Promise<void>;
  readonly usage: () => Promise<StoreUsage>;
  readonly packs: PackCache;
};

/**
 * The store at an absolute path, which need not exist: it is empty then, and `prepare` makes it.
 * @throws SlipwayError `store-version-unknown`.
 */
export async function openStore(path: string): Promise<Store> {
  const version = await readFileIfPresent(versionPath(path), { maxBytes: 4096 });
  checkStoreVersion(path, version?.toString('utf8'));
  return {
    path,
    listTags: (onDamage) => listTags(path, onDamage),
    listImages: (onDamage) => listImages(path, onDamage),
    readTag: (reference) => readStoredTag(path, reference),
    readImage: (digest) => readStoredImage(path, digest),
    readWholeImage: (digest) => readWholeImage(path, digest),
    findImage: (text) => resolveStored(text, path, fileStoreReader),
    imagePath: (digest) => squashfsPath(path, digest),
    temporaryPath: () => temporaryPath(path),
    prepare: () => prepareStore(path),
    withImage: (digest, wait, work) => withImage(path, digest, wait, work),
    remove: (text, wait) => removeImage(path, text, wait),
    removeUntagged: (wait) => removeUntagged(path, wait),
    sweep: (now, wait) => sweepStore(path, now, wait),
    closeLayers: () => closeWorkDirectories(path),
    usage: () => measureUsage(path),
    packs: packCache(path),
  };
}
