// SPDX-License-Identifier: Apache-2.0
// The light door: the store without registry client and conversion, for the launch's path.
export { makeAccess } from './image-access.ts';
export { storePath } from './layout.ts';
export { type Collected, collectGarbage, planCollection } from './collect-garbage.ts';
export { type FoundImage } from './lookup.ts';
export type { StoreUsage } from './measure-usage.ts';
export { openStore, type Store } from './open-store.ts';
export { fileStoreReader } from './read-store.ts';
export type { Removal } from './remove-image.ts';
export { type FoundInStore, isDenial, resolveInStores, storesToSearch, storeVariables } from './site-stores.ts';
