// SPDX-License-Identifier: Apache-2.0
import type { RegistrySourceOptions } from '../../image/index.ts';

/** Proxies as curl(1) reads them: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, the names in small letters first. */
export function proxySettings(
  variables: Readonly<Record<string, string | undefined>>,
): NonNullable<RegistrySourceOptions['proxy']> {
  const read = (name: string): string | undefined =>
    [variables[name], variables[name.toUpperCase()]].find((value) => value !== undefined && value !== '');
  const [http, https, none] = [read('http_proxy'), read('https_proxy'), read('no_proxy')];
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(none === undefined ? {} : { none }),
  };
}
