// SPDX-License-Identifier: Apache-2.0
import type { RegistryRules, Trust } from '../../model/index.ts';
import type { ProxySettings } from '../../sys/proxies.ts';
import type { TlsMaterial } from '../../sys/tls-material.ts';
import { type ContainersPlaces, systemDirectory, userDirectory } from '../containers-places.ts';
import { readLookaside, readTrustPolicy } from '../trust/read-trust.ts';
import { findCertificates } from './certs-d.ts';
import { proxySettings } from './proxy-settings.ts';

/** How registries are reached here, but for credentials. */
export type RegistryAccess = {
  readonly rules: RegistryRules;
  readonly proxy: ProxySettings;
  /** Which images are accepted. */
  readonly trust: Trust;
  /** @throws SlipwayError `certificates-unreadable` */
  readonly tlsFor: (host: string) => TlsMaterial;
};

/**
 * Reads registries.conf and policy.json, the user's or the site's.
 * @param asked a policy to go by instead, and keys of which one has to have signed
 * @throws SlipwayError `containers-file-malformed`
 */
export async function readRegistryAccess(
  places: ContainersPlaces,
  asked: { readonly policy?: string | undefined; readonly keys?: readonly string[] } = {},
): Promise<RegistryAccess> {
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
    trust: {
      policy: await readTrustPolicy(places, asked.policy),
      keys: asked.keys ?? [],
      lookasideFor: async (scopes) => await readLookaside(places, scopes),
    },
    tlsFor: (host) => findCertificates(host, directories),
  };
}
