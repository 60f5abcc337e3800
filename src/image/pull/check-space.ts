// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../model/index.ts';
import { freeBytes, statIfPresent } from '../../sys/files.ts';
import { packName } from '../convert/index.ts';
import { blobPath, packPath } from '../store/layout.ts';
import type { ImageBuild } from './build-image.ts';

/**
 * Makes sure, roughly and before anything is downloaded, that a pull can end well. A layer that has no pack yet is
 * downloaded beside its pack, which compresses about as well; when all are packed, the image is written beside the packs.
 * Where the room is short, packs that no pull needs make room. A quota is not seen here: it shows when writing fails.
 * @throws SlipwayError `store-space-short`.
 */
export async function checkSpace(build: ImageBuild): Promise<void> {
  const { name, store, resolved, convertOptions, signal } = build;
  const distinct = new Map(resolved.layers.map((layer) => [layer.digest, layer]));
  let [imageBytes, packBytes, downloadBytes] = [0, 0, 0];
  for (const { digest, sizeBytes } of distinct.values()) {
    imageBytes += sizeBytes;
    if ((await statIfPresent(packPath(store.path, packName(digest, convertOptions)))) !== undefined) continue;
    const part = await statIfPresent(`${blobPath(store.path, digest)}.part`);
    packBytes += sizeBytes;
    downloadBytes += Math.max(0, sizeBytes - (part?.size ?? 0));
  }
  const neededBytes = packBytes + Math.max(downloadBytes, imageBytes);
  let free = await freeBytes(store.path);
  if (free >= neededBytes) return;
  await store.packs.evict({ minFreedBytes: neededBytes - free }, signal);
  free = await freeBytes(store.path);
  if (free >= neededBytes) return;
  throw new SlipwayError('store-space-short', {
    reference: name,
    store: store.path,
    free: inGibibytes(free),
    needed: inGibibytes(neededBytes),
  });
}

function inGibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}
