// SPDX-License-Identifier: Apache-2.0
// Files that are nothing a store has. They are told of and left alone: who put them there may want them.
import { listDirectoryIfPresent, statIfPresent } from '../../sys/files.ts';
import {
  blobsDirectory,
  digestOfFileName,
  imagesDirectory,
  packsDirectory,
  pullsDirectory,
  storeDirectories,
  tagsDirectory,
  versionPath,
} from '../store/layout.ts';
import type { Repairable } from './check-store.ts';

export async function findUnknownFiles(store: string): Promise<readonly Repairable[]> {
  const own = new Set([versionPath(store), ...storeDirectories(store)]);
  const places: readonly (readonly [string, (name: string) => boolean])[] = [
    [store, (name) => own.has(`${store}/${name}`)],
    [
      imagesDirectory(store),
      (name) => ['.json', '.squashfs', '.sum'].some((suffix) => digestOfFileName(name, suffix) !== undefined),
    ],
    [tagsDirectory(store), (name) => name.endsWith('.json')],
    [pullsDirectory(store), (name) => digestOfFileName(name, '.json') !== undefined],
    [packsDirectory(store), (name) => /^[0-9a-f]{64,128}-.*\.pack$/.test(name)],
    ...['sha256', 'sha512'].map(
      (algorithm) =>
        [
          `${blobsDirectory(store)}/${algorithm}`,
          (name: string) => digestOfFileName(name.replace(/\.part$/, ''), '') !== undefined,
        ] as const,
    ),
  ];
  const found: Repairable[] = [];
  for (const [directory, isKnown] of places) {
    for (const name of (await listDirectoryIfPresent(directory)) ?? []) {
      if (isKnown(name)) continue;
      const path = `${directory}/${name}`;
      const bytes = (await statIfPresent(path))?.size ?? 0;
      found.push({ fault: { kind: 'unknown-file', path, reason: 'this is no part of a store', bytes } });
    }
  }
  return found;
}
