// SPDX-License-Identifier: Apache-2.0
export { checkUdiRoot } from './check-udi-root.ts';
export { parseUdiRoot, splitModules } from './parse-udi-root.ts';
export { defaultUdiRootPath, examineUdiRoot, readUdiRoot, unsafeReason } from './read-udi-root.ts';
export type { Remark, ShifterModule, SiteEnvironment, UdiRoot, UdiRootReading } from './udi-root.ts';
export {
  parseUserVolumes,
  type PerNodeCache,
  type VolumeMap,
  type VolumeMapFault,
  type VolumeMapResult,
  volumeSignature,
} from './volume-map.ts';
