// SPDX-License-Identifier: Apache-2.0
// Whether an image may be used, by a policy's requirements or by a key that a person gave. What was signed is the image
// itself or the index that leads to it, whose digest stands for all that it lists.
import {
  type AcceptedSignature,
  type Digest,
  formatImageReference,
  type ImageReference,
  type KeySource,
  type SignedIdentity,
  SlipwayError,
  type TrustRequirement,
  type Verification,
} from '../../model/index.ts';
import { readFileIfPresent } from '../../sys/files.ts';
import type { ArtifactReader } from '../types.ts';
import { findBundles, findCosignSignatures, findSimpleSignatures } from './find-signatures.ts';
import { findGpgv, openSignedMessage } from './open-pgp.ts';
import { parsePublicKey } from './public-key.ts';
import { isIdentityAccepted } from './signed-identity.ts';
import { signedSubjects } from './sigstore-bundle.ts';
import { parseSignedClaim } from './simple-signing.ts';

export type TrustQuestion = {
  /** As it was asked for. */
  readonly reference: ImageReference;
  /** The image, and the index that led to it. */
  readonly digests: readonly Digest[];
  /** What says so: the path of a policy, or `key`. */
  readonly by: string;
  readonly requirements: readonly TrustRequirement[];
  /** Accepts signatures that give the image no name, as bundles are. */
  readonly acceptsUnnamed?: boolean;
  /** Where signatures are; undefined for images that come from no registry. */
  readonly artifacts: ArtifactReader | undefined;
  /** Where simple signatures are, as the site has laid down. */
  readonly lookaside: URL | undefined;
  /** For gpgv. */
  readonly searchPath: string;
  readonly now: Date;
  readonly signal: AbortSignal;
};

const maxKeyBytes = 1024 * 1024;

/**
 * How the image was found acceptable.
 * @throws SlipwayError `trust-rejected`, `signature-missing`; `key-unusable`, `gpgv-missing`; those of the registry
 */
export async function verifyImage(question: TrustQuestion): Promise<Verification> {
  const signatures: AcceptedSignature[] = [];
  const reference = formatImageReference(question.reference);
  // An empty list would be met by everything.
  if (question.requirements.length === 0) throw new SlipwayError('trust-rejected', { reference, policy: question.by });
  for (const requirement of question.requirements) {
    switch (requirement.type) {
      case 'insecureAcceptAnything':
        break;
      case 'reject':
        throw new SlipwayError('trust-rejected', { reference, policy: question.by });
      case 'signedBy':
        signatures.push(await requireSimpleSignature(question, requirement.keys, requirement.identity));
        break;
      case 'sigstoreSigned':
        signatures.push(await requireSigstore(question, requirement.keys, requirement.identity));
        break;
      case 'unsupported':
        throw missing(question, requirement.reason);
      default:
        requirement satisfies never;
    }
  }
  return { by: question.by, signatures, verified: question.now.toISOString() };
}

async function requireSigstore(
  question: TrustQuestion,
  sources: readonly KeySource[],
  identity: SignedIdentity,
): Promise<AcceptedSignature> {
  const { artifacts, signal, reference } = question;
  const keys = await Promise.all(sources.map(async (source) => parsePublicKey(await readKey(source), nameOf(source))));
  if (artifacts === undefined) throw missing(question, 'only images in registries have such signatures');
  const faults: string[] = [];
  for (const digest of question.digests) {
    for (const { payload, signature } of await findCosignSignatures(artifacts, digest, signal)) {
      const key = keys.find((each) => each.isSignedBy(payload, signature))?.fingerprint;
      const judged = judgeClaim({ kind: 'cosign', key, payload }, digest, { identity, reference });
      if ('accepted' in judged) return judged.accepted;
      faults.push(judged.fault);
    }
    for (const bundle of await findBundles(artifacts, digest, signal)) {
      const key = keys.find((each) => signedSubjects(bundle, each)?.includes(digest) === true);
      if (key === undefined) faults.push(foreignKey);
      else if (question.acceptsUnnamed === true) return { kind: 'sigstore-bundle', key: key.fingerprint, digest };
      else faults.push('a bundle names no repository, which the policy wants to see');
    }
  }
  throw missing(question, describeFaults(faults));
}

async function requireSimpleSignature(
  question: TrustQuestion,
  sources: readonly KeySource[],
  identity: SignedIdentity,
): Promise<AcceptedSignature> {
  const { artifacts, lookaside, reference, signal, searchPath } = question;
  if (artifacts === undefined) throw missing(question, 'only images in registries have such signatures');
  if (lookaside === undefined) throw missing(question, 'registries.d names no place with signatures for it');
  const gpgv = await findGpgv(searchPath);
  if (gpgv === undefined) {
    throw new SlipwayError('gpgv-missing', { reference: formatImageReference(reference), searchPath });
  }
  const keyrings = await Promise.all(sources.map(readKey));
  const faults: string[] = [];
  for (const digest of question.digests) {
    const image = { repository: reference.repository, digest };
    for (const message of await findSimpleSignatures(lookaside, image, artifacts, signal)) {
      const opened = await openSignedMessage(message, keyrings, { gpgv, signal });
      const found = { kind: 'simple-signing', key: opened?.fingerprint, payload: opened?.payload } as const;
      const judged = judgeClaim(found, digest, { identity, reference });
      if ('accepted' in judged) return judged.accepted;
      faults.push(judged.fault);
    }
  }
  throw missing(question, describeFaults(faults));
}

const foreignKey = 'one is not by an accepted key';

type FoundSignature = {
  readonly kind: 'cosign' | 'simple-signing';
  /** The accepted key that it is by. */
  readonly key: string | undefined;
  readonly payload: Uint8Array | undefined;
};

/** Whether what a signature says is what is wanted to be said. */
function judgeClaim(
  { kind, key, payload }: FoundSignature,
  digest: Digest,
  wanted: { readonly identity: SignedIdentity; readonly reference: ImageReference },
): { readonly accepted: AcceptedSignature } | { readonly fault: string } {
  if (key === undefined || payload === undefined) return { fault: foreignKey };
  const claim = parseSignedClaim(payload, kind);
  if (claim === undefined) return { fault: 'one does not say what it signs' };
  if (claim.digest !== digest) return { fault: `one is of another image, ${claim.digest}` };
  if (!isIdentityAccepted(wanted.identity, wanted.reference, claim.identity)) {
    return { fault: `one is for ${claim.identity}` };
  }
  return { accepted: { kind, key, digest, identity: claim.identity } };
}

function describeFaults(faults: readonly string[]): string {
  const distinct = [...new Set(faults)];
  return distinct.length === 0 ? 'none was found' : distinct.slice(0, 4).join('; ');
}

function missing(question: TrustQuestion, reason: string): SlipwayError {
  return new SlipwayError('signature-missing', {
    reference: formatImageReference(question.reference),
    what: question.digests.join(' or '),
    policy: question.by === 'key' ? 'the key' : question.by,
    reason,
  });
}

async function readKey(source: KeySource): Promise<Buffer> {
  if (source.kind === 'data') return source.bytes;
  const bytes = await readFileIfPresent(source.path, { maxBytes: maxKeyBytes });
  if (bytes === undefined)
    throw new SlipwayError('key-unusable', { path: source.path, reason: 'there is no such file' });
  return bytes;
}

function nameOf(source: KeySource): string {
  return source.kind === 'file' ? source.path : 'in the policy (keyData)';
}
