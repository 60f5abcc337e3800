// SPDX-License-Identifier: Apache-2.0
// The storage directory: where it is, and where in it images and downloads are. Version 5 of its layout, as 0.31 has it.
import { resolve } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { ensureDirectory, listDirectoryIfPresent, readFileIfPresent, writeFileAtomic } from '../../sys/files.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { withLockIfFree } from '../../sys/lock-file.ts';
import { storageName } from './storage-name.ts';

const layoutVersion = '5';

export type Storage = { readonly path: string; readonly imagePath: (reference: string) => string };

/** By `--storage`, else $CH_IMAGE_STORAGE, else /var/tmp/$USER.ch. @throws SlipwayError `charliecloud-user-unset` */
export function findStorage(given: string | undefined, environment: FaceEnvironment): Storage {
  const { variables, workingDirectory } = environment;
  const user = variables['USER'];
  const named = given ?? variables['CH_IMAGE_STORAGE'];
  if (named === undefined && user === undefined) throw new SlipwayError('charliecloud-user-unset', {});
  const path = resolve(workingDirectory, named ?? `/var/tmp/${user}.ch`);
  return { path, imagePath: (reference) => `${path}/img/${storageName(reference)}` };
}

/**
 * Makes the directories of a new storage directory, or checks that it is one.
 * @throws SlipwayError `charliecloud-storage-invalid` for a directory that something else is in
 */
export async function prepareStorage({ path }: Storage): Promise<void> {
  const names = (await listDirectoryIfPresent(path)) ?? [];
  // Charliecloud's ch-run makes this one, to mount squashfs images on, before there is any storage directory.
  const isNew = names.every((name) => name === 'mnt');
  if (!isNew && !names.includes('version') && !names.includes('img')) {
    throw new SlipwayError('charliecloud-storage-invalid', { path });
  }
  await ensureDirectory(path, { mode: 0o755 });
  for (const name of ['bucache', 'bularge', 'dlcache', 'img', 'ulcache'])
    await ensureDirectory(`${path}/${name}`, { mode: 0o755 });
  const version = await readFileIfPresent(`${path}/version`, { maxBytes: 100 });
  if (version === undefined) await writeFileAtomic(`${path}/version`, `${layoutVersion}\n`, { mode: 0o644 });
}

/**
 * Runs what changes a prepared storage directory while nobody else does.
 * @throws SlipwayError `charliecloud-storage-in-use`, at once, where somebody does; what `work` throws
 */
export async function withStorageLock<T>(
  { path }: Storage,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // Charliecloud refuses a storage directory with an unknown name in it, but looks at none below.
  const lock = { what: `storage directory ${path}`, signal };
  const done = await withLockIfFree(`${path}/dlcache/lock`, lock, async (held) => ({ result: await work(held) }));
  if (done === undefined) throw new SlipwayError('charliecloud-storage-in-use', { path });
  return done.result;
}
