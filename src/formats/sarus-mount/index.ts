// SPDX-License-Identifier: Apache-2.0
// The values of `--mount` and `--device` as Sarus and its mount hook take them, and the hook's command line.
export { type DeviceValue, formatAccess, parseAccess, parseDeviceValue } from './device-value.ts';
export { type HookWords, readHookWords } from './hook-words.ts';
export { type MountValue, type MountRules, noRules, parseMountValue } from './mount-value.ts';
export { findProviderDirectory, providerWildcard, withProviderDirectory } from './provider-path.ts';
