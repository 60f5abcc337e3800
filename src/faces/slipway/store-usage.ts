// SPDX-License-Identifier: Apache-2.0
// What stores take, for people who have to make room.
import type { StoreUsage } from '../../image/index.ts';
// The store's own door: see store.ts.
// oxlint-disable-next-line no-restricted-imports
import { openStore } from '../../image/store/index.ts';
import { accountFromNameService } from '../../sys/name-service.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { formatCount, formatSize } from '../terminal/units.ts';
import { fieldsText } from './fields.ts';

/** Prints the usage of each store. */
export async function showUsage(
  stores: readonly string[],
  isJson: boolean,
  { stdout }: FaceEnvironment,
): Promise<number> {
  const measured = await Promise.all(
    stores.map(async (path) => ({ store: path, ...(await (await openStore(path)).usage()) })),
  );
  const named = measured.map((usage) => ({
    ...usage,
    owners: usage.owners.map((owner) => ({ ...owner, name: accountFromNameService(owner.uid)?.name ?? null })),
  }));
  if (isJson) stdout.write(`${JSON.stringify(named, undefined, 2)}\n`);
  else for (const usage of named) stdout.write(usageText(usage));
  return 0;
}

type NamedUsage = Omit<StoreUsage, 'owners'> & {
  readonly store: string;
  readonly owners: readonly (StoreUsage['owners'][number] & { readonly name: string | null })[];
};

function usageText({ store, imageBytes, packBytes, workBytes, freeBytes, owners }: NamedUsage): string {
  return fieldsText(store, [
    ['images', formatSize(imageBytes)],
    ['kept layers', formatSize(packBytes)],
    ['unfinished', formatSize(workBytes)],
    ['free', freeBytes === undefined ? '' : formatSize(freeBytes)],
    [
      'by owner',
      owners.map(({ uid, name, images, bytes }) =>
        [(name ?? String(uid)).padEnd(16), formatSize(bytes).padStart(8), formatCount(images, 'image')].join('  '),
      ),
    ],
  ]);
}
