// SPDX-License-Identifier: Apache-2.0
// Images whose record can't be read, whose file is missing, cut or damaged, and files without a record.
import { checkIntegrity, openSquashfs } from '../../formats/squashfs/index.ts';
import { describeError, type Digest, hasCode, type SlipwayError } from '../../model/index.ts';
import { listDirectoryIfPresent, readFileIfPresent, statIfPresent } from '../../sys/files.ts';
import { createInputs } from '../../sys/inputs.ts';
import { isLocked, withLockIfFree } from '../../sys/lock-file.ts';
import {
  digestOfFileName,
  imageLockPath,
  imageRecordPath,
  imagesDirectory,
  imageSumPath,
  squashfsPath,
} from '../store/layout.ts';
import { lockedImage, withImage } from '../store/locked-image.ts';
import { readStoredImage } from '../store/read-store.ts';
import { isDenial } from '../store/site-stores.ts';
import { hashFile } from './hash-file.ts';
import type { Repairable, StoreCheck, StoreFault } from './check-store.ts';

/** Between two looks at the signal, so that others get a turn. */
const blocksAtATime = 64;

export async function findImageFaults(check: StoreCheck): Promise<readonly Repairable[]> {
  const { store } = check;
  const names = (await listDirectoryIfPresent(imagesDirectory(store))) ?? [];
  const digests = new Set(
    names.flatMap((name) => digestOfFileName(name, '.json') ?? digestOfFileName(name, '.squashfs') ?? []),
  );
  const found: Repairable[] = [];
  for (const digest of digests) {
    check.wait.signal.throwIfAborted();
    const fault = await findFault(digest, check);
    // What is being written or removed looks like damage for a moment.
    if (fault === undefined || (await isLocked(imageLockPath(store, digest)))) continue;
    const repair: Repairable['repair'] = async (wait) =>
      await withImage(store, digest, wait, async (locked) => {
        // Somebody may have pulled it anew meanwhile.
        if ((await findFault(digest, check)) !== undefined) await locked.remove();
      });
    found.push({ fault, repair });
  }
  return found;
}

async function findFault(digest: Digest, check: StoreCheck): Promise<StoreFault | undefined> {
  const { store } = check;
  const [record, squashfs] = [imageRecordPath(store, digest), squashfsPath(store, digest)];
  const bytes = (await statIfPresent(squashfs))?.size;
  const fault = (kind: StoreFault['kind'], path: string, reason: string): StoreFault => ({
    kind,
    path,
    reason,
    bytes: bytes ?? 0,
    digest,
  });
  let image;
  try {
    image = await readStoredImage(store, digest);
  } catch (error) {
    // An image for others: who may use it can check it.
    if (isDenial(error)) return undefined;
    if (!hasCode(error, 'store-damaged', 'file-too-large')) throw error;
    return fault('record-damaged', record, reasonOf(error));
  }
  if (image === undefined) {
    return bytes === undefined ? undefined : fault('image-orphan', squashfs, 'there is no record of it');
  }
  if (bytes === undefined) return fault('image-missing', record, 'the image that it describes is not there');
  if (bytes !== image.sizeBytes) {
    return fault('image-cut', squashfs, `it has ${bytes} bytes, and its record says ${image.sizeBytes}`);
  }
  if (!check.isThorough) return undefined;
  check.onImage?.(digest, bytes);
  const damage = (await findDamage(squashfs, check.wait.signal)) ?? (await findChange(digest, check));
  return damage === undefined ? undefined : fault('image-damaged', squashfs, damage);
}

/**
 * Compares an image with its sum, or notes that where there is none: squashfs has no checksums, and data that are not
 * compressed can turn into others unseen.
 */
async function findChange(digest: Digest, { store, wait }: StoreCheck): Promise<string | undefined> {
  const sum = await hashFile(squashfsPath(store, digest), 'sha256', wait.signal);
  const noted = (await readFileIfPresent(imageSumPath(store, digest), { maxBytes: 4096 }))?.toString('latin1').trim();
  if (noted !== undefined) return noted === sum ? undefined : 'its bytes are not those of the first check';
  try {
    // Not where somebody is about to replace it.
    await withLockIfFree(imageLockPath(store, digest), { what: `image ${digest}`, ...wait }, (signal) =>
      lockedImage(store, digest, signal).noteSum(sum),
    );
  } catch (error) {
    // Whoever may only read the store can check it all the same.
    if (!hasCode(error, 'permission-denied', 'read-only-file-system')) throw error;
  }
  return undefined;
}

/** Reads a squashfs as a whole; what is wrong with it, or undefined. */
async function findDamage(path: string, signal: AbortSignal): Promise<string | undefined> {
  const file = createInputs({ environment: {}, cwd: '/' }).openFile(path);
  if (file === undefined) return undefined;
  try {
    const image = openSquashfs({ image: path, read: file.read, sizeBytes: file.sizeBytes });
    let blocks = 0;
    for (const _ of checkIntegrity(image)) {
      blocks += 1;
      if (blocks % blocksAtATime !== 0) continue;
      signal.throwIfAborted();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    return undefined;
  } catch (error) {
    if (hasCode(error, 'squashfs-damaged', 'squashfs-unrecognized', 'squashfs-compression-unsupported')) {
      return reasonOf(error);
    }
    throw error;
  } finally {
    file.close();
  }
}

/** The reason alone: the path is told anyway. */
function reasonOf(error: SlipwayError): string {
  return describeError(error).replace(/^read (?:image )?\S+: /, '');
}
