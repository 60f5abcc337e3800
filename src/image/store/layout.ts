// SPDX-License-Identifier: Apache-2.0
// Where everything stands in an image store. HEX is a digest's hexadecimal part; 64 digits are sha256, 128 sha512.
//
//   version                   "1\n"; a store of any other version is left alone
//   images/HEX.squashfs       an image, mode 0444; HEX is of the manifest of its platform
//   images/HEX.json           StoredImage. Written last, removed first: an image exists exactly while this file does,
//                             so that no reader meets half an image; a squashfs without it is garbage
//   images/HEX.sum            the SHA-256 of the squashfs, as `slipway fsck` found it the first time: squashfs itself has
//                             no checksums, so that this alone shows bits that turn later
//   tags/NAME.json            StoredTag; NAME is the full reference, percent-encoded
//   blobs/ALGORITHM/HEX       a layer while a pull needs it, complete and verified
//   blobs/ALGORITHM/HEX.part  the beginning of one, from which a later pull goes on
//   packs/HEX-SETTINGS.pack   what layer HEX holds, compressed as images have it: made once, put together into each
//                             image that has the layer. A cache: any may be removed, but not one that a pull needs
//   pulls/HEX.json            which blobs the pull of image HEX needs; of no account unless image HEX is locked
//   locks/image-HEX.lock      held to write or remove an image and to point a tag at it, so during a whole pull
//   locks/blob-HEX.lock       held to download a blob and to make its pack
//   locks/blobs.lock          held to read and write pulls/ and to remove blobs and packs
//   locks/tags.lock           held to write and remove tags
//   locks/sweep.lock          held to clear garbage away
//   tmp/NAME                  files being written, named by their process
//
// Locks are taken in the order image, blob, blobs, tags, and no two of one kind together, so they can't deadlock.
// Readers take none.
//
// Who needs a blob is written down before it is downloaded, and a blob is removed only by somebody who holds blobs.lock
// and has seen no such note of a pull that is alive. Pulls of two images with a layer in common therefore download it
// once, the second after waiting for the first, and neither removes it under the other. The same notes keep its pack.
import { join } from 'node:path';
import {
  type Digest,
  digestAlgorithm,
  digestHex,
  formatImageReference,
  type ImageReference,
  parseDigest,
  parseImageReference,
  SlipwayError,
} from '../../model/index.ts';

export const storeVersion = '1';

/**
 * The store's directory: `SLIPWAY_STORE`, else `slipway` in `XDG_DATA_HOME`, else in `~/.local/share`
 * (XDG Base Directory Specification, which has relative paths in XDG_DATA_HOME ignored).
 * @throws SlipwayError `store-path-unusable`.
 */
export function storePath(env: Readonly<Record<string, string | undefined>>, home: string | undefined): string {
  const chosen = env['SLIPWAY_STORE'] ?? '';
  if (chosen !== '') {
    if (chosen.startsWith('/')) return chosen;
    throw new SlipwayError('store-path-unusable', {
      reason: `SLIPWAY_STORE is "${chosen}", which is no absolute path`,
    });
  }
  const dataHome = env['XDG_DATA_HOME'] ?? '';
  if (dataHome.startsWith('/')) return join(dataHome, 'slipway');
  if (home?.startsWith('/') === true) return join(home, '.local/share/slipway');
  throw new SlipwayError('store-path-unusable', { reason: 'SLIPWAY_STORE is not set and there is no home directory' });
}

export const versionPath = (store: string): string => join(store, 'version');
export const imagesDirectory = (store: string): string => join(store, 'images');
export const tagsDirectory = (store: string): string => join(store, 'tags');
export const blobsDirectory = (store: string): string => join(store, 'blobs');
export const packsDirectory = (store: string): string => join(store, 'packs');
export const pullsDirectory = (store: string): string => join(store, 'pulls');
export const locksDirectory = (store: string): string => join(store, 'locks');
export const temporaryDirectory = (store: string): string => join(store, 'tmp');

/** Every directory below the store's own, parents first. */
export function storeDirectories(store: string): readonly string[] {
  return [
    imagesDirectory(store),
    tagsDirectory(store),
    blobsDirectory(store),
    join(blobsDirectory(store), 'sha256'),
    join(blobsDirectory(store), 'sha512'),
    packsDirectory(store),
    pullsDirectory(store),
    locksDirectory(store),
    temporaryDirectory(store),
  ];
}

export const squashfsPath = (store: string, digest: Digest): string =>
  join(imagesDirectory(store), `${digestHex(digest)}.squashfs`);
export const imageRecordPath = (store: string, digest: Digest): string =>
  join(imagesDirectory(store), `${digestHex(digest)}.json`);
export const imageSumPath = (store: string, digest: Digest): string =>
  join(imagesDirectory(store), `${digestHex(digest)}.sum`);
export const pullRecordPath = (store: string, digest: Digest): string =>
  join(pullsDirectory(store), `${digestHex(digest)}.json`);
export const tagRecordPath = (store: string, reference: ImageReference): string =>
  join(tagsDirectory(store), tagFileName(reference));
export const blobPath = (store: string, digest: Digest): string =>
  join(blobsDirectory(store), digestAlgorithm(digest), digestHex(digest));

/** @param name as `packName` makes it */
export const packPath = (store: string, name: string): string => join(packsDirectory(store), name);

export const imageLockPath = (store: string, digest: Digest): string =>
  join(locksDirectory(store), `image-${digestHex(digest)}.lock`);
export const blobLockPath = (store: string, digest: Digest): string =>
  join(locksDirectory(store), `blob-${digestHex(digest)}.lock`);
export const storeLockPath = (store: string, name: 'blobs' | 'tags' | 'sweep'): string =>
  join(locksDirectory(store), `${name}.lock`);

/** The digest whose hexadecimal part begins the name and is followed by `suffix`, or undefined. */
export function digestOfFileName(name: string, suffix: string): Digest | undefined {
  if (!name.endsWith(suffix)) return undefined;
  const hex = name.slice(0, name.length - suffix.length);
  return parseDigest(`${hex.length === 128 ? 'sha512' : 'sha256'}:${hex}`);
}

// A component may have 255 bytes, of which the encoding can make more than three hundred: beyond this length the name
// is cut and a hash appended. `~` occurs in no reference, so the two forms can't be mistaken for each other.
const longestEncoded = 200;

export function tagFileName(reference: ImageReference): string {
  const full = formatImageReference(reference);
  const encoded = encodeURIComponent(full);
  if (encoded.length <= longestEncoded) return `${encoded}.json`;
  // Seldom needed, and slow to load: a first launch, which looks for its image here, would wait for it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(full).digest('hex').slice(0, 40);
  return `${encoded.slice(0, longestEncoded - 41)}~${hash}.json`;
}

/** What a tag's file name says: its reference, `shortened` where only the file can tell, undefined if it is no tag's. */
export function referenceOfTagFileName(name: string): ImageReference | 'shortened' | undefined {
  if (!name.endsWith('.json')) return undefined;
  if (name.includes('~')) return 'shortened';
  try {
    const reference = parseImageReference(decodeURIComponent(name.slice(0, -'.json'.length)));
    return tagFileName(reference) === name ? reference : undefined;
  } catch {
    return undefined;
  }
}
