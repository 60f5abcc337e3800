// SPDX-License-Identifier: Apache-2.0
// What is in a store. Takes no lock: records are replaced whole, and what goes away while it is being listed is
// left out.
import { type Digest, hasCode, type ImageReference, SlipwayError } from '../../model/index.ts';
import {
  listDirectoryIfPresent,
  listDirectoryIfPresentSync,
  readFileIfPresent,
  readFileIfPresentSync,
  statIfPresent,
} from '../../sys/files.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { StoredImage, StoredTag } from '../types.ts';
import {
  digestOfFileName,
  imageRecordPath,
  imagesDirectory,
  squashfsPath,
  tagRecordPath,
  tagsDirectory,
} from './layout.ts';
import type { StoreReader } from './lookup.ts';
import { maxRecordBytes, parseStoredImage, parseStoredTag } from './records.ts';

// Enough to hide a network file system's latency.
const concurrentReads = 16;

/** Told of each record that can't be read; the others are listed all the same. */
export type OnDamage = (error: SlipwayError) => void;

/** Reads for `resolveStored` on the machine itself. */
export const fileStoreReader: StoreReader = {
  readText: (path) => readFileIfPresentSync(path, { maxBytes: maxRecordBytes })?.toString('utf8'),
  listDirectory: listDirectoryIfPresentSync,
};

export async function listImages(store: string, onDamage: OnDamage): Promise<readonly StoredImage[]> {
  const names = (await listDirectoryIfPresent(imagesDirectory(store))) ?? [];
  const digests = names.map((name) => digestOfFileName(name, '.json')).filter((digest) => digest !== undefined);
  return await readAll(digests, (digest) => readStoredImage(store, digest), onDamage);
}

export async function listTags(store: string, onDamage: OnDamage): Promise<readonly StoredTag[]> {
  const names = (await listDirectoryIfPresent(tagsDirectory(store))) ?? [];
  const paths = names.filter((name) => name.endsWith('.json')).map((name) => `${tagsDirectory(store)}/${name}`);
  return await readAll(paths, readTagFile, onDamage);
}

/** The image's record, or undefined where the store does not have it. */
export async function readStoredImage(store: string, digest: Digest): Promise<StoredImage | undefined> {
  const path = imageRecordPath(store, digest);
  const text = await readText(path);
  return text === undefined ? undefined : parseStoredImage(text, { path, digest });
}

/** The image if all of it is there: undefined as well where the squashfs is missing or cut, or the record damaged. */
export async function readWholeImage(store: string, digest: Digest): Promise<StoredImage | undefined> {
  let image: StoredImage | undefined;
  try {
    image = await readStoredImage(store, digest);
  } catch (error) {
    if (hasCode(error, 'store-damaged')) return undefined;
    throw error;
  }
  if (image === undefined) return undefined;
  const squashfs = await statIfPresent(squashfsPath(store, digest));
  return squashfs?.size === image.sizeBytes ? image : undefined;
}

export async function readStoredTag(store: string, reference: ImageReference): Promise<StoredTag | undefined> {
  return await readTagFile(tagRecordPath(store, reference));
}

async function readTagFile(path: string): Promise<StoredTag | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : parseStoredTag(text, path);
}

async function readText(path: string): Promise<string | undefined> {
  return (await readFileIfPresent(path, { maxBytes: maxRecordBytes }))?.toString('utf8');
}

async function readAll<Key, Value>(
  keys: readonly Key[],
  read: (key: Key) => Promise<Value | undefined>,
  onDamage: OnDamage,
): Promise<readonly Value[]> {
  const values = await mapConcurrently(keys, concurrentReads, async (key) => {
    try {
      return await read(key);
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      onDamage(error);
      return undefined;
    }
  });
  return values.filter((value) => value !== undefined);
}
