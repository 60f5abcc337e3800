// SPDX-License-Identifier: Apache-2.0
// The values of `--mount` and `--device` as Sarus and its mount hook take them, and the hook's command line.
export { formatAccess, parseAccess, parseDeviceValue } from './device-value.ts';
export { readHookWords } from './hook-words.ts';
export { noRules, parseMountValue } from './mount-value.ts';
export { findProviderDirectory, providerWildcard, withProviderDirectory } from './provider-path.ts';
