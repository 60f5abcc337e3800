// SPDX-License-Identifier: Apache-2.0
// What a store takes of its file system, and whose it is.
import { hasCode } from '../../model/index.ts';
import { freeBytes, listDirectoryIfPresent, statIfPresent } from '../../sys/files.ts';
import { blobsDirectory, imagesDirectory, packsDirectory, temporaryDirectory } from './layout.ts';

export type StoreUsage = {
  readonly imageBytes: number;
  /** Compressed layers, kept for further images that have them. */
  readonly packBytes: number;
  /** Layers and files being written, for pulls that go on or were broken off. */
  readonly workBytes: number;
  /** Undefined where the store does not exist yet. */
  readonly freeBytes?: number;
  /** Of all of it, by the owners of the files, the largest first. */
  readonly owners: readonly OwnerUsage[];
};

export type OwnerUsage = { readonly uid: number; readonly images: number; readonly bytes: number };

type Measured = { readonly uid: number; readonly bytes: number; readonly isImage: boolean };

export async function measureUsage(store: string): Promise<StoreUsage> {
  const blobs = blobsDirectory(store);
  const [images, packs, ...work] = await Promise.all(
    [
      imagesDirectory(store),
      packsDirectory(store),
      `${blobs}/sha256`,
      `${blobs}/sha512`,
      temporaryDirectory(store),
    ].map(filesIn),
  );
  const all = [images ?? [], packs ?? [], ...work];
  const isThere = (await statIfPresent(store)) !== undefined;
  return {
    imageBytes: sumOf(images ?? []),
    packBytes: sumOf(packs ?? []),
    workBytes: sumOf(work.flat()),
    ...(isThere ? { freeBytes: await freeBytes(store) } : {}),
    owners: byOwner(all.flat()),
  };
}

async function filesIn(directory: string): Promise<readonly Measured[]> {
  const files: Measured[] = [];
  for (const name of await namesIn(directory)) {
    const stat = await statIfPresent(`${directory}/${name}`);
    if (stat?.isFile() !== true) continue;
    files.push({ uid: stat.uid, bytes: stat.size, isImage: name.endsWith('.squashfs') });
  }
  return files;
}

/** What only the store's owner may see does not count for others. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await listDirectoryIfPresent(directory)) ?? [];
  } catch (error) {
    if (hasCode(error, 'permission-denied')) return [];
    throw error;
  }
}

function byOwner(files: readonly Measured[]): readonly OwnerUsage[] {
  const owners = new Map<number, OwnerUsage>();
  for (const { uid, bytes, isImage } of files) {
    const before = owners.get(uid) ?? { uid, images: 0, bytes: 0 };
    owners.set(uid, { uid, images: before.images + (isImage ? 1 : 0), bytes: before.bytes + bytes });
  }
  return [...owners.values()].sort((a, b) => b.bytes - a.bytes || a.uid - b.uid);
}

function sumOf(files: readonly Measured[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
