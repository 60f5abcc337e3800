// SPDX-License-Identifier: Apache-2.0
import type { Store } from '../../image/index.ts';
// The store's own door: the other one leads to the registry client as well, which takes ten times as long to load.
// oxlint-disable-next-line no-restricted-imports
import {
  fileStoreReader,
  type FoundInStore,
  openStore,
  resolveInStores,
  storePath,
  storesToSearch,
} from '../../image/store/index.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';

/** Where the caller's image store is. @throws SlipwayError `store-path-unusable`. */
export function userStorePath({ variables }: FaceEnvironment): string {
  return storePath(variables, variables['HOME']);
}

/** The caller's image store, which may not exist yet. @throws SlipwayError `store-path-unusable`, `store-version-unknown`. */
export async function openUserStore(environment: FaceEnvironment): Promise<Store> {
  return await openStore(userStorePath(environment));
}

/** The caller's store and those that the site offers, in the order of their search. */
export function storesOf({ variables }: FaceEnvironment): readonly [string, ...string[]] {
  return storesToSearch(variables, variables['HOME'], fileStoreReader.readText);
}

/** An image by the name that a person gives it. @throws SlipwayError as `resolveInStores` */
export function findImage(name: string, environment: FaceEnvironment): FoundInStore {
  return resolveInStores(name, storesOf(environment), fileStoreReader);
}
