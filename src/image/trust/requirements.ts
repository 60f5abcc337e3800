// SPDX-License-Identifier: Apache-2.0
// Which of a policy's requirements are for an image: those of the most specific scope that it is in
// (containers-policy.json(5), "Supported transports and their scopes").
import {
  formatImageReference,
  type ImageReference,
  type TrustPolicy,
  type TrustRequirement,
} from '../../model/index.ts';

/** An image in a registry: its own name, its repository, the namespaces above it, its registry, `*.DOMAIN`s. */
export function requirementsFor(policy: TrustPolicy, reference: ImageReference): readonly TrustRequirement[] {
  return requirementsOf(policy, 'docker', dockerScopes(reference));
}

/** An image of another transport, its scopes from the most specific on. */
export function requirementsOf(
  policy: TrustPolicy,
  transport: string,
  scopes: readonly string[],
): readonly TrustRequirement[] {
  const byScope = policy.transports.get(transport);
  for (const scope of [...scopes, '']) {
    const found = byScope?.get(scope);
    if (found !== undefined) return found;
  }
  return policy.default;
}

/** From the most specific on. */
export function dockerScopes(reference: ImageReference): readonly string[] {
  const { registry, repository, tag, digest } = reference;
  const name = `${registry}/${repository}`;
  const own =
    digest === undefined
      ? `${name}:${tag ?? 'latest'}`
      : tag === undefined
        ? `${name}@${digest}`
        : formatImageReference(reference);
  const scopes = [own];
  for (let scope = name; scope.includes('/'); scope = scope.slice(0, scope.lastIndexOf('/'))) scopes.push(scope);
  scopes.push(registry);
  const host = registry.replace(/:\d+$/, '');
  const port = registry.slice(host.length);
  // A host with a port is below a domain with that port, if any.
  const labels = host.split('.');
  for (let index = 1; index < labels.length; index += 1) scopes.push(`*.${labels.slice(index).join('.')}${port}`);
  return scopes;
}
