// SPDX-License-Identifier: Apache-2.0
// /etc/ld.so.cache: where ldconfig(8) tells the dynamic loader which libraries there are.
export { encodeLdCache } from './encode-ld-cache.ts';
export { type CachedLibrary, parseLdCache } from './parse-ld-cache.ts';
