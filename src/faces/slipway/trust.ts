// SPDX-License-Identifier: Apache-2.0
// What a pull and `slipway verify` ask of an image: what the policy of the site or user asks, and the keys that were
// given.
import { dirname } from 'node:path';
import {
  dockerScopes,
  type RegistrySource,
  requirementsFor,
  requirementsOf,
  type ResolvedImage,
  type TrustQuestion,
  verifyImage,
} from '../../image/index.ts';
import type { Digest, ImageReference, SourceReference, TrustPolicy, Verification } from '../../model/index.ts';
import { type ContainersPlaces, readLookaside, readTrustPolicy } from '../../site/index.ts';
import { systemSearchPath } from '../../sys/process.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';

export type Trust = {
  readonly policy: TrustPolicy | undefined;
  /** Paths of public keys, of which one has to have signed. */
  readonly keys: readonly string[];
  readonly places: ContainersPlaces;
};

export async function readTrust(
  environment: FaceEnvironment,
  given: { readonly keys: readonly string[]; readonly policy: string | undefined },
): Promise<Trust> {
  const places = { environment: environment.variables, home: environment.variables['HOME'] ?? '/' };
  return { policy: await readTrustPolicy(places, given.policy), keys: given.keys, places };
}

/**
 * Verifies a resolved image.
 * @throws SlipwayError as `verifyImage`
 */
export async function verifyTrust(
  trust: Trust,
  image: { readonly reference: ImageReference; readonly source: RegistrySource; readonly resolved: ResolvedImage },
  context: { readonly environment: FaceEnvironment; readonly signal: AbortSignal },
): Promise<Verification> {
  const { reference, source, resolved } = image;
  const { environment } = context;
  const question = {
    reference,
    digests: [resolved.digest, ...(resolved.indexDigest === undefined ? [] : [resolved.indexDigest])],
    artifacts: source.artifacts,
  };
  const requirements = trust.policy === undefined ? [] : requirementsFor(trust.policy, reference);
  const isLookasideNeeded = requirements.some(({ type }) => type === 'signedBy');
  const where = { reference, scopes: dockerScopes(reference), isRoot: environment.uid === 0 };
  const lookaside = isLookasideNeeded ? await readLookaside(trust.places, where) : undefined;
  return await answer(trust, { ...question, requirements, lookaside }, context);
}

/**
 * Verifies what comes from no registry, where no signatures are: a policy accepts it as it is, or refuses it, and no
 * key can have signed it. The policy's transport is that of containers-transports(5): a bare directory counts as
 * `dir`, and a tarball, a squashfs and a SIF file as `tarball`.
 * @param source its path absolute
 * @throws SlipwayError as `verifyImage`
 */
export async function verifyLocalTrust(
  trust: Trust,
  image: {
    readonly source: LocalReference;
    readonly reference: ImageReference;
    /** None where there is no manifest. */
    readonly digests: readonly Digest[];
  },
  context: { readonly environment: FaceEnvironment; readonly signal: AbortSignal },
): Promise<Verification> {
  const { source, reference, digests } = image;
  const requirements =
    trust.policy === undefined ? [] : requirementsOf(trust.policy, policyTransport(source), scopesOf(source));
  const question = { reference, digests, artifacts: undefined, requirements, lookaside: undefined };
  return await answer(trust, question, context);
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

async function answer(
  trust: Trust,
  asked: Pick<TrustQuestion, 'reference' | 'digests' | 'artifacts' | 'requirements' | 'lookaside'>,
  { environment, signal }: { readonly environment: FaceEnvironment; readonly signal: AbortSignal },
): Promise<Verification> {
  const question = { ...asked, searchPath: systemSearchPath, now: environment.clock.now(), signal };
  const answers: Verification[] = [];
  if (trust.policy !== undefined) answers.push(await verifyImage({ ...question, by: trust.policy.path }));
  if (trust.keys.length > 0) {
    const keys = trust.keys.map((path) => ({ kind: 'file', path }) as const);
    const requirement = { type: 'sigstoreSigned', keys, identity: { type: 'matchRepository' } } as const;
    const byKey = { by: 'key', requirements: [requirement], lookaside: undefined, acceptsUnnamed: true };
    answers.push(await verifyImage({ ...question, ...byKey }));
  }
  const signed = answers.filter(({ signatures }) => signatures.length > 0);
  return {
    by: (signed.length > 0 ? signed : answers).map(({ by }) => by).join(' and '),
    signatures: answers.flatMap(({ signatures }) => signatures),
    verified: question.now.toISOString(),
  };
}
