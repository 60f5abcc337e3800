// SPDX-License-Identifier: Apache-2.0
// What a pull and `slipway verify` ask of an image: what the policy of the site or user asks, and the keys that were
// given.
import {
  dockerScopes,
  type RegistrySource,
  requirementsFor,
  type ResolvedImage,
  verifyImage,
} from '../../image/index.ts';
import type { ImageReference, TrustPolicy, Verification } from '../../model/index.ts';
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
  const { environment, signal } = context;
  const question = {
    reference,
    digests: [resolved.digest, ...(resolved.indexDigest === undefined ? [] : [resolved.indexDigest])],
    artifacts: source.artifacts,
    searchPath: systemSearchPath,
    now: environment.clock.now(),
    signal,
  };
  const answers: Verification[] = [];
  if (trust.policy !== undefined) {
    const requirements = requirementsFor(trust.policy, reference);
    const isLookasideNeeded = requirements.some(({ type }) => type === 'signedBy');
    const where = { reference, scopes: dockerScopes(reference), isRoot: environment.uid === 0 };
    const lookaside = isLookasideNeeded ? await readLookaside(trust.places, where) : undefined;
    answers.push(await verifyImage({ ...question, by: trust.policy.path, requirements, lookaside }));
  }
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
