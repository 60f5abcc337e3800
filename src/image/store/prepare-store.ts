// SPDX-License-Identifier: Apache-2.0
// Makes a store, or makes sure that one that is there can be written.
import { hasCode, SlipwayError } from '../../model/index.ts';
import { errnoOf } from '../../sys/file-errors.ts';
import { checkWritable, ensureDirectory, readFileIfPresent, writeFileAtomic } from '../../sys/files.ts';
import {
  imagesDirectory,
  locksDirectory,
  storeDirectories,
  storeVersion,
  tagsDirectory,
  versionPath,
} from './layout.ts';
import { checkStoreVersion } from './lookup.ts';

/**
 * After this the store may be written. A directory of the store's own that is missing is made 0700; what stands in it
 * gets the modes that the umask leaves, so that a store which a site has opened to a group stays open to it.
 * @throws SlipwayError `store-not-writable`, `store-version-unknown`, `disk-full`.
 */
export async function prepareStore(store: string): Promise<void> {
  try {
    await ensureDirectory(store, { mode: 0o700 });
    const version = await readFileIfPresent(versionPath(store), { maxBytes: 4096 });
    checkStoreVersion(store, version?.toString('utf8'));
    for (const directory of storeDirectories(store)) await ensureDirectory(directory, { mode: 0o777 });
    if (version === undefined) await writeFileAtomic(versionPath(store), `${storeVersion}\n`, { mode: 0o644 });
    for (const directory of [imagesDirectory(store), tagsDirectory(store), locksDirectory(store)]) {
      await checkWritable(directory);
    }
  } catch (error) {
    const errno = error instanceof SlipwayError ? (errnoOf(error.cause) ?? '') : '';
    if (hasCode(error, 'permission-denied')) throw notWritable(store, 'permission denied', errno, error);
    if (hasCode(error, 'read-only-file-system')) {
      throw notWritable(store, 'the file system is mounted read-only', errno, error);
    }
    throw error;
  }
}

function notWritable(store: string, reason: string, errno: string, cause: unknown): SlipwayError {
  return new SlipwayError('store-not-writable', { store, reason, errno }, { cause });
}
