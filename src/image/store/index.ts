// SPDX-License-Identifier: Apache-2.0
// The light door: the store without registry client and conversion, for the launch's path.
export type { PackCache } from './pack-cache.ts';
export { makeAccess, mayUse } from './image-access.ts';
export { storePath } from './layout.ts';
export { type Collected, type CollectionGoal, collectGarbage, planCollection } from './collect-garbage.ts';
export type { LockedImage, LockWait } from './locked-image.ts';
export { type FoundImage, resolveStored, type StoreReader } from './lookup.ts';
export type { OwnerUsage, StoreUsage } from './measure-usage.ts';
export { openStore, type Store } from './open-store.ts';
export { fileStoreReader, type OnDamage } from './read-store.ts';
export type { Removal } from './remove-image.ts';
export {
  type FoundInStore,
  isDenial,
  resolveInStores,
  siteStoresFile,
  storesToSearch,
  storeVariables,
} from './site-stores.ts';
