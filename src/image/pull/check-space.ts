// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../model/index.ts';
import { freeBytes, statIfPresent } from '../../sys/files.ts';
import { blobPath } from '../store/layout.ts';
import type { LayerDescriptor } from '../types.ts';

/**
 * Makes sure, roughly and before anything is downloaded, that a pull can end well. Needed are the layers that are not
 * there yet, and the squashfs, which compresses about as well as they do. A quota is not seen here: it shows
 * when writing fails.
 * @throws SlipwayError `store-space-short`.
 */
export async function checkSpace(pull: {
  readonly name: string;
  readonly store: string;
  readonly layers: readonly LayerDescriptor[];
}): Promise<void> {
  const { name, store } = pull;
  const distinct = new Map(pull.layers.map((layer) => [layer.digest, layer]));
  let neededBytes = 0;
  for (const { digest, sizeBytes } of distinct.values()) {
    const path = blobPath(store, digest);
    const present = (await statIfPresent(path)) ?? (await statIfPresent(`${path}.part`));
    neededBytes += Math.max(0, sizeBytes - (present?.size ?? 0)) + sizeBytes;
  }
  const free = await freeBytes(store);
  if (free >= neededBytes) return;
  throw new SlipwayError('store-space-short', {
    reference: name,
    store,
    free: inGibibytes(free),
    needed: inGibibytes(neededBytes),
  });
}

function inGibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}
