// SPDX-License-Identifier: Apache-2.0
// How this machine, its site and its user reach registries.
export { proxySettings } from './proxy-settings.ts';
export { readRegistryAccess, type RegistryAccess } from './registry-access.ts';
