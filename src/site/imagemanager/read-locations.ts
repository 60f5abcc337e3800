// SPDX-License-Identifier: Apache-2.0
import type { Fields } from './fields.ts';
import type { Location } from './types.ts';

/** The names under which people and Shifter's example files know the Docker Hub. */
const dockerHub: ReadonlySet<string> = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'hub.docker.com',
]);

export function readLocations(fields: Fields, absolute: (path: string) => string): ReadonlyMap<string, Location> {
  const locations = new Map<string, Location>();
  const section = fields.map('Locations');
  if (section === undefined) {
    fields.problem('error', 'Locations', 'it is missing: the registries that may be pulled from');
    return locations;
  }
  for (const name of section.names()) {
    const each = section.map(name);
    if (each === undefined) continue;
    const kind = each.text('remotetype');
    if (kind === undefined) each.problem('warning', 'remotetype', 'it is missing; dockerv2 is taken for it');
    else if (kind !== 'dockerv2') each.problem('error', 'remotetype', `there is dockerv2, not ${kind}`);
    each.ignore('authentication', "Shifter's gateway does nothing with it either");
    each.ignore('authMethod', 'the registry itself says which method it wants, basic or token');
    const address = readAddress(each, name);
    const authority = each.text('sslcacert');
    locations.set(name, {
      name,
      registry: dockerHub.has(address.host) ? 'docker.io' : address.host,
      isPlainHttp: address.isPlain,
      certificateAuthorityPath: authority === undefined ? undefined : absolute(authority),
    });
    each.finish();
  }
  return locations;
}

function readAddress(fields: Fields, name: string): { readonly host: string; readonly isPlain: boolean } {
  const text = fields.text('url');
  if (text === undefined) return { host: name, isPlain: false };
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.host === '') {
    fields.problem('error', 'url', `"${text}" is not http[s]://HOST[:PORT]`);
    return { host: name, isPlain: false };
  }
  if (!['/', '/v2', '/v2/'].includes(url.pathname)) {
    fields.problem(
      'warning',
      'url',
      `the path ${url.pathname} is not used: a registry's API is below /v2/ of its host`,
    );
  }
  return { host: url.host, isPlain: url.protocol === 'http:' };
}
