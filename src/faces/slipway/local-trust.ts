// SPDX-License-Identifier: Apache-2.0
// What is asked of an image that comes from no registry, where no signatures are: a policy accepts it as it is, or
// refuses it, and no key can have signed it. The policy's transport is that of containers-transports(5): a bare directory
// counts as `dir`, and a tarball, a squashfs and a SIF file as `tarball`.
import { dirname } from 'node:path';
import { askTrust, type ImageSource, requirementsOf, signedDigests } from '../../image/index.ts';
import type { Digest, ImageReference, SourceReference, Trust, Verification } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';

export type LocalImage = {
  /** Its path absolute. */
  readonly source: LocalReference;
  readonly reference: ImageReference;
};

/**
 * Asks before anything is read of it.
 * @param digests none where there is no manifest
 * @throws SlipwayError `trust-rejected`, `signature-missing`
 */
export async function askLocalTrust(
  trust: Trust,
  { source, reference }: LocalImage,
  digests: readonly Digest[],
  context: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Verification | undefined> {
  const requirements =
    trust.policy === undefined ? [] : requirementsOf(trust.policy, policyTransport(source), scopesOf(source));
  const { signal, clock } = context;
  return await askTrust(
    trust,
    { reference, digests, artifacts: undefined, requirements },
    { now: clock.now(), signal },
  );
}

/** The source, which resolves only what is accepted. */
export function trustedLocal(source: ImageSource, image: LocalImage, trust: Trust, clock: Clock): ImageSource {
  return {
    ...source,
    resolve: async (signal) => {
      const resolved = await source.resolve(signal);
      const verification = await askLocalTrust(trust, image, signedDigests(resolved), { clock, signal });
      return verification === undefined ? resolved : { ...resolved, verification };
    },
  };
}

export type LocalReference = Exclude<SourceReference, { transport: 'docker' | 'name' | 'path' }>;

function policyTransport({ transport }: LocalReference): string {
  switch (transport) {
    case 'directory':
      return 'dir';
    case 'tar':
    case 'squashfs':
    case 'sif':
      return 'tarball';
    case 'oci':
    case 'oci-archive':
    case 'docker-archive':
    case 'docker-daemon':
    case 'containers-storage':
    case 'dir':
      return transport;
    default:
      return transport satisfies never;
  }
}

/** The path with what is asked for in it, the path, and the directories above it. */
function scopesOf(source: LocalReference): readonly string[] {
  if (!('path' in source)) return [source.name];
  const scopes = 'name' in source && source.name !== undefined ? [`${source.path}:${source.name}`] : [];
  for (let at = source.path; at.length > 1; at = dirname(at)) scopes.push(at);
  return [...scopes, '/'];
}
