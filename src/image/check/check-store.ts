// SPDX-License-Identifier: Apache-2.0
// Checks a store: every record, every name, every image and layer as a whole. What is damaged can be removed, since all of
// it can be pulled again; what is not understood is left alone. Images and layers that are being worked on are passed
// over: who holds their lock sees to them.
import type { Digest } from '../../model/index.ts';
import type { LockWait } from '../store/locked-image.ts';
import { isDenial } from '../store/site-stores.ts';
import { findImageFaults } from './image-faults.ts';
import { findLayerFaults } from './layer-faults.ts';
import { findTagFaults } from './tag-faults.ts';
import { findUnknownFiles } from './unknown-files.ts';

export type StoreFault = {
  readonly kind:
    | 'record-damaged'
    | 'image-missing'
    | 'image-cut'
    | 'image-damaged'
    | 'image-orphan'
    | 'tag-damaged'
    | 'tag-dangling'
    | 'layer-damaged'
    | 'pack-damaged'
    | 'unknown-file';
  readonly path: string;
  /** Follows the path and a colon. */
  readonly reason: string;
  readonly bytes: number;
  /** The image, where it is about one. */
  readonly digest?: Digest;
};

/** A fault, and how to end it; undefined where nobody knows what the file is. */
export type Repairable = { readonly fault: StoreFault; readonly repair?: (wait: LockWait) => Promise<void> };

export type StoreCheck = {
  readonly store: string;
  /** Reads every block of every image and layer; else only records and lengths are looked at. */
  readonly isThorough: boolean;
  /** Removes what is damaged. */
  readonly isRepairing: boolean;
  readonly wait: LockWait;
  readonly onFault: (fault: StoreFault, isRepaired: boolean) => void;
  /** Before each image that is read as a whole. */
  readonly onImage?: (digest: Digest, sizeBytes: number) => void;
};

/**
 * Checks the store, and repairs it where that was asked for.
 * @returns how many faults are left
 * @throws SlipwayError of reading, and of removing, files; the signal's reason
 */
export async function checkStore(check: StoreCheck): Promise<number> {
  let left = 0;
  const report = async (found: readonly Repairable[]): Promise<void> => {
    for (const { fault, repair } of found) {
      const isRepaired = check.isRepairing && repair !== undefined;
      if (isRepaired) await repair(check.wait);
      else left += 1;
      check.onFault(fault, isRepaired);
    }
  };
  await report(await findImageFaults(check));
  // After the images: names of those that have just been removed lead nowhere.
  await report(await findTagFaults(check.store));
  await report(await unlessDenied(() => findLayerFaults(check)));
  await report(await unlessDenied(() => findUnknownFiles(check.store)));
  return left;
}

/** Layers may be for those alone who keep the store: others check what they can read. */
async function unlessDenied(find: () => Promise<readonly Repairable[]>): Promise<readonly Repairable[]> {
  try {
    return await find();
  } catch (error) {
    if (isDenial(error)) return [];
    throw error;
  }
}
