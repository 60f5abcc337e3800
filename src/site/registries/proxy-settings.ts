// SPDX-License-Identifier: Apache-2.0
import type { ProxySettings } from '../../sys/proxies.ts';

/** Proxies as curl(1) reads them: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, the names in small letters first. */
export function proxySettings(variables: Readonly<Record<string, string | undefined>>): ProxySettings {
  const read = (name: string): string | undefined =>
    [variables[name], variables[name.toUpperCase()]].find((value) => value !== undefined && value !== '');
  const [http, https, all, none] = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].map(read);
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(all === undefined ? {} : { all }),
    ...(none === undefined ? {} : { none }),
  };
}
