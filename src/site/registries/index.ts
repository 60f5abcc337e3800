// SPDX-License-Identifier: Apache-2.0
// How this machine, its site and its user reach registries.
export { findCertificates } from './certs-d.ts';
export { proxySettings } from './proxy-settings.ts';
export { type ContainersPlaces, readRegistriesConf } from './read-registries-conf.ts';
export { readRegistryAccess, type RegistryAccess } from './registry-access.ts';
