// SPDX-License-Identifier: Apache-2.0
// From the tag that a user gives to a registry, a repository, and what is wanted of it.
import { type ImageReference, parseDigest, SlipwayError } from '../../model/index.ts';
import type { GatewayConfig, Location } from '../../site/index.ts';

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * Reads `[LOCATION/]REPOSITORY[:TAG][@DIGEST]`. A first component that is the name of one of the Locations chooses it;
 * everything else is in the default one.
 * @throws SlipwayError `reference-malformed`, `gateway-registry-unknown`
 */
export function resolveLocation(
  tag: string,
  { locations, defaultLocation }: Pick<GatewayConfig, 'locations' | 'defaultLocation'>,
): { readonly location: Location; readonly reference: ImageReference } {
  const fail = (reason: string): never => {
    throw new SlipwayError('reference-malformed', { reference: tag.slice(0, 300), reason });
  };
  const slash = tag.indexOf('/');
  const first = slash < 0 ? '' : tag.slice(0, slash);
  const named = locations.get(first);
  const location = named ?? locations.get(defaultLocation);
  if (location === undefined) throw new Error('the configuration has been checked for its default location');
  // No repository of the Hub has a dot in its first component; a name with one is meant for another registry.
  if (named === undefined && location.registry === 'docker.io' && /[.:]|^localhost$/.test(first)) {
    throw new SlipwayError('gateway-registry-unknown', { registry: first, known: [...locations.keys()].join(', ') });
  }

  let rest = named === undefined ? tag : tag.slice(slash + 1);
  const at = rest.indexOf('@');
  const digest = at < 0 ? undefined : (parseDigest(rest.slice(at + 1)) ?? fail('what follows @ is no digest'));
  if (at >= 0) rest = rest.slice(0, at);
  const colon = rest.lastIndexOf(':');
  const name = colon < 0 ? undefined : rest.slice(colon + 1);
  if (colon >= 0) rest = rest.slice(0, colon);
  if (name !== undefined && !tagPattern.test(name)) fail(`"${name}" is no tag`);
  const bad = rest.split('/').find((part) => !component.test(part));
  if (bad !== undefined)
    fail(bad === '' ? 'the repository has an empty component' : `"${bad}" is no part of a repository`);
  const isShort = location.registry === 'docker.io' && !rest.includes('/');
  // A tag of `latest` is added by the service to whatever has none; with a digest it says nothing.
  const wanted = name ?? (digest === undefined ? 'latest' : undefined);
  return {
    location,
    reference: {
      registry: location.registry,
      repository: isShort ? `library/${rest}` : rest,
      ...(wanted === undefined ? {} : { tag: wanted }),
      ...(digest === undefined ? {} : { digest }),
    },
  };
}
