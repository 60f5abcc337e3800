// SPDX-License-Identifier: Apache-2.0
// What a site has laid down, read from the files in which administrators keep it.
export type { ContainersPlaces } from './containers-places.ts';
export * from './registries/index.ts';
export * from './cdi/index.ts';
export * from './udi-root/index.ts';
export * from './trust/index.ts';
export * from './imagemanager/index.ts';
export * from './oci-hooks/index.ts';
export * from './sarus-json/index.ts';
