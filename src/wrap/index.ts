// SPDX-License-Identifier: Apache-2.0
// Wrapping: software in many small files becomes one image, and programs that find it there.
export {
  expandConfiguration,
  mergeConfiguration,
  readConfigurationFile,
  readKeptConfiguration,
  readSiteConfiguration,
} from './configuration.ts';
export { construct } from './construct.ts';
export type { WrapEvent } from './events.ts';
export { isOurs } from './installation.ts';
export { type Configuration, type ConfigurationValue, readSettings } from './settings.ts';
export { compareRecords, type RecordDifference } from './compare-records.ts';
export { kernelSpec, luaModule, tclModule } from './companions.ts';
export { explicitList, lockedRequirements } from './locked-inputs.ts';
export { type InstallationRecord, type PackageRecord, readRecord } from './record.ts';
export { wrapperProgram, type WrapTools } from './tools.ts';
