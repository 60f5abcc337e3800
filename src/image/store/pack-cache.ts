// SPDX-License-Identifier: Apache-2.0
// The packs of a store. They are found without a lock, and removed only under blobs.lock and where no pull that is alive
// has noted the layer (see layout.ts): whoever has noted a layer keeps its pack until the note is gone.
import type { Digest } from '../../model/index.ts';
import { hasCode } from '../../model/index.ts';
import { listDirectoryIfPresent, markUsed, moveIntoPlace, removeIfPresent, statIfPresent } from '../../sys/files.ts';
import { digestOfFileName, packPath, packsDirectory } from './layout.ts';
import { neededBlobs, withBlobsLock } from './needed-blobs.ts';

export type PackCache = {
  /** Where the pack is, if it is there; notes that it was used. */
  readonly find: (name: string) => Promise<string | undefined>;
  /** Moves a finished pack of the store's `tmp` into place, and returns its path. */
  readonly put: (name: string, finishedPack: string) => Promise<string>;
  /** Removes a pack that is of no use. The caller has the layer's lock. */
  readonly remove: (name: string) => Promise<void>;
  /**
   * Removes packs that no pull needs, those that alone are more than `maxBytes` and then the longest unused, until those that are left have at most `maxBytes` and
   * `minFreedBytes` are free that were not.
   * @returns bytes freed
   */
  readonly evict: (goal: EvictionGoal, signal: AbortSignal) => Promise<number>;
};

export type EvictionGoal = { readonly maxBytes: number } | { readonly minFreedBytes: number };

export function packCache(store: string): PackCache {
  return {
    async find(name) {
      const path = packPath(store, name);
      const stat = await statIfPresent(path);
      if (stat?.isFile() !== true) return undefined;
      await noteUse(path);
      return path;
    },
    async put(name, finishedPack) {
      const path = packPath(store, name);
      await moveIntoPlace(finishedPack, path, { mode: 0o444 });
      return path;
    },
    remove: async (name) => void (await removeIfPresent(packPath(store, name))),
    evict: (goal, signal) => withBlobsLock(store, signal, () => evictPacks(store, goal)),
  };
}

async function noteUse(path: string): Promise<void> {
  try {
    await markUsed(path);
  } catch (error) {
    // Another user's pack, or a read-only store: its access time, which reading moves on, says nearly the same.
    if (!hasCode(error, 'permission-denied', 'read-only-file-system')) throw error;
  }
}

/** A pack, and when it was last used. */
export type KeptPack = {
  readonly path: string;
  readonly layer: Digest | undefined;
  readonly bytes: number;
  readonly usedMs: number;
};

/** The caller holds `blobs.lock`. */
async function evictPacks(store: string, goal: EvictionGoal): Promise<number> {
  const kept = await listPacks(store);
  const bytes = kept.reduce((sum, pack) => sum + pack.bytes, 0);
  const wantedBytes = 'maxBytes' in goal ? bytes - goal.maxBytes : goal.minFreedBytes;
  if (wantedBytes <= 0) return 0;
  const needed = await neededBlobs(store);
  let freedBytes = 0;
  // One that is too large by itself can't stay, and others need not go for it.
  const maxBytes = 'maxBytes' in goal ? goal.maxBytes : Infinity;
  const rank = ({ bytes: own, usedMs }: KeptPack): number => (own > maxBytes ? 0 : usedMs);
  for (const pack of kept.toSorted((left, right) => rank(left) - rank(right))) {
    if (freedBytes >= wantedBytes) break;
    if (pack.layer !== undefined && needed.has(pack.layer)) continue;
    await removeIfPresent(pack.path);
    freedBytes += pack.bytes;
  }
  return freedBytes;
}

/** All of them. */
export async function listPacks(store: string): Promise<readonly KeptPack[]> {
  const packs: KeptPack[] = [];
  for (const name of (await listDirectoryIfPresent(packsDirectory(store))) ?? []) {
    const path = packPath(store, name);
    const stat = await statIfPresent(path);
    if (stat?.isFile() !== true) continue;
    const layer = digestOfFileName(name.slice(0, Math.max(0, name.indexOf('-'))), '');
    packs.push({ path, layer, bytes: stat.size, usedMs: Math.max(stat.atimeMs, stat.mtimeMs) });
  }
  return packs;
}
