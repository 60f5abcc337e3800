// SPDX-License-Identifier: Apache-2.0
// Layers and packs that are not what their names say.
import { type Digest, digestAlgorithm, digestHex, hasCode } from '../../model/index.ts';
import { listDirectoryIfPresent, removeIfPresent, statIfPresent } from '../../sys/files.ts';
import { isLocked, withLock } from '../../sys/lock-file.ts';
import { cellBytes, openPack } from '../squashfs/index.ts';
import { blobLockPath, blobsDirectory, digestOfFileName, packPath, packsDirectory } from '../store/layout.ts';
import { hashFile } from './hash-file.ts';
import type { Repairable, StoreCheck, StoreFault } from './check-store.ts';

/** Nothing is said of a layer that is being received: its name ends in `.part`. */
export async function findLayerFaults(check: StoreCheck): Promise<readonly Repairable[]> {
  if (!check.isThorough) return [];
  return [...(await findBlobFaults(check)), ...(await findPackFaults(check))];
}

async function findBlobFaults({ store, wait }: StoreCheck): Promise<readonly Repairable[]> {
  const found: Repairable[] = [];
  for (const algorithm of ['sha256', 'sha512']) {
    const directory = `${blobsDirectory(store)}/${algorithm}`;
    for (const name of (await listDirectoryIfPresent(directory)) ?? []) {
      const digest = digestOfFileName(name, '');
      if (digest === undefined || (await isLocked(blobLockPath(store, digest)))) continue;
      const path = `${directory}/${name}`;
      const reason = await blobDamage(path, digest, wait.signal);
      if (reason !== undefined) found.push(await repairable(store, { kind: 'layer-damaged', path, reason }, digest));
    }
  }
  return found;
}

async function blobDamage(path: string, digest: Digest, signal: AbortSignal): Promise<string | undefined> {
  const hex = await hashFile(path, digestAlgorithm(digest), signal);
  return hex === digestHex(digest) ? undefined : `its bytes have the digest ${hex}`;
}

async function findPackFaults({ store, wait }: StoreCheck): Promise<readonly Repairable[]> {
  const found: Repairable[] = [];
  for (const name of (await listDirectoryIfPresent(packsDirectory(store))) ?? []) {
    const layer = digestOfFileName(name.slice(0, Math.max(0, name.indexOf('-'))), '');
    if (layer === undefined || !name.endsWith('.pack') || (await isLocked(blobLockPath(store, layer)))) continue;
    const path = packPath(store, name);
    const reason = await packDamage(path, wait.signal);
    if (reason !== undefined) found.push(await repairable(store, { kind: 'pack-damaged', path, reason }, layer));
  }
  return found;
}

async function packDamage(path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    await using pack = await openPack(path);
    const cell = Buffer.allocUnsafe(cellBytes);
    for (let index = 0; index < pack.cellCount; index += 1) {
      signal.throwIfAborted();
      await pack.readCell(index, cell);
    }
    return undefined;
  } catch (error) {
    if (hasCode(error, 'layer-pack-damaged')) return error.message.replace(/^read layer pack \S+: /, '');
    throw error;
  }
}

async function repairable(store: string, fault: Omit<StoreFault, 'bytes'>, layer: Digest): Promise<Repairable> {
  const bytes = (await statIfPresent(fault.path))?.size ?? 0;
  return {
    fault: { ...fault, bytes },
    repair: async ({ signal }) => {
      // Who makes it anew holds this lock, and puts it in place by rename: then it is another file, and no harm is done.
      await withLock(blobLockPath(store, layer), { what: `layer ${layer}`, signal }, () => removeIfPresent(fault.path));
    },
  };
}
