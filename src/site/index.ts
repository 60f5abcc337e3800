// SPDX-License-Identifier: Apache-2.0
// What a site has laid down, read from the files in which administrators keep it.
export * from './registries/index.ts';
export * from './cdi/index.ts';
export * from './udi-root/index.ts';
export * from './imagemanager/index.ts';
export * from './oci-hooks/index.ts';
export * from './sarus-json/index.ts';
