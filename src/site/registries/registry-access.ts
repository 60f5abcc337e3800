// SPDX-License-Identifier: Apache-2.0
import type { RegistryRules } from '../../model/index.ts';
import type { ProxySettings } from '../../sys/proxies.ts';
import type { TlsMaterial } from '../../sys/tls-material.ts';
import { type ContainersPlaces, systemDirectory, userDirectory } from '../containers-places.ts';
import { findCertificates } from './certs-d.ts';
import { proxySettings } from './proxy-settings.ts';

/** How registries are reached here, but for credentials. */
export type RegistryAccess = {
  readonly rules: RegistryRules;
  readonly proxy: ProxySettings;
  /** @throws SlipwayError `certificates-unreadable` */
  readonly tlsFor: (host: string) => TlsMaterial;
};

/** @throws SlipwayError `containers-file-malformed` */
export async function readRegistryAccess(places: ContainersPlaces): Promise<RegistryAccess> {
  const directories = [
    `${userDirectory(places)}/certs.d`,
    `${systemDirectory(places)}/certs.d`,
    `${places.systemDirectory ?? '/etc'}/docker/certs.d`,
  ];
  // A parser that only those who reach for a registry have to load.
  const { readRegistriesConf } = await import('./read-registries-conf.ts');
  return {
    rules: await readRegistriesConf(places),
    proxy: proxySettings(places.environment),
    tlsFor: (host) => findCertificates(host, directories),
  };
}
