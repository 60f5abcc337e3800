// SPDX-License-Identifier: Apache-2.0
// What is asked of an image: what the policy asks, and a signature by a key that a person gave.
import type { Digest, ImageReference, Trust, TrustRequirement, Verification } from '../../model/index.ts';
import { systemSearchPath } from '../../sys/process.ts';
import type { ArtifactReader, ResolvedImage } from '../types.ts';
import { dockerScopes } from './requirements.ts';
import { verifyImage } from './verify-image.ts';

export type TrustedImage = {
  /** As it was asked for. */
  readonly reference: ImageReference;
  /** Of the image, and of the index that led to it; none where there is no manifest. */
  readonly digests: readonly Digest[];
  /** Where signatures are; undefined for what comes from no registry. */
  readonly artifacts: ArtifactReader | undefined;
  /** What the policy asks of it. */
  readonly requirements: readonly TrustRequirement[];
};

/** The digests of an image that a signature may be of. */
export function signedDigests(resolved: ResolvedImage): readonly Digest[] {
  return [resolved.digest, ...(resolved.indexDigest === undefined ? [] : [resolved.indexDigest])];
}

/**
 * Decides whether the image may be used.
 * @returns undefined where nothing was asked
 * @throws SlipwayError as `verifyImage`
 */
export async function askTrust(
  trust: Trust,
  image: TrustedImage,
  context: { readonly now: Date; readonly signal: AbortSignal },
): Promise<Verification | undefined> {
  const { requirements, ...asked } = image;
  const question = { ...asked, searchPath: systemSearchPath, ...context };
  const answers: Verification[] = [];
  if (trust.policy !== undefined) {
    const isLookasideNeeded = requirements.some(({ type }) => type === 'signedBy') && asked.artifacts !== undefined;
    const lookaside = isLookasideNeeded ? await trust.lookasideFor(dockerScopes(asked.reference)) : undefined;
    answers.push(await verifyImage({ ...question, by: trust.policy.path, requirements, lookaside }));
  }
  if (trust.keys.length > 0) {
    const keys = trust.keys.map((path) => ({ kind: 'file', path }) as const);
    const requirement = { type: 'sigstoreSigned', keys, identity: { type: 'matchRepository' } } as const;
    const byKey = { by: 'key', requirements: [requirement], lookaside: undefined, acceptsUnnamed: true };
    answers.push(await verifyImage({ ...question, ...byKey }));
  }
  const signed = answers.filter(({ signatures }) => signatures.length > 0);
  const [first] = signed;
  if (first === undefined) return undefined;
  return {
    by: signed.map(({ by }) => by).join(' and '),
    signatures: signed.flatMap(({ signatures }) => signatures),
    verified: first.verified,
  };
}
