// SPDX-License-Identifier: Apache-2.0
export { checkUdiRoot } from './check-udi-root.ts';
export { parseUdiRoot, splitModules } from './parse-udi-root.ts';
export { defaultUdiRootPath, readUdiRoot, unsafeReason } from './read-udi-root.ts';
export type { ShifterModule, SiteEnvironment, UdiRoot } from './udi-root.ts';
export { parseUserVolumes, type PerNodeCache, type VolumeMap, volumeSignature } from './volume-map.ts';
