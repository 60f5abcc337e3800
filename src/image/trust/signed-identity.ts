// SPDX-License-Identifier: Apache-2.0
// Whether the name in a signature is the one that an image is asked for by (containers-policy.json(5),
// "signedIdentity").
import {
  formatImageReference,
  type ImageReference,
  parseImageReference,
  type SignedIdentity,
} from '../../model/index.ts';

/** @param signed the `docker-reference` of a signature */
export function isIdentityAccepted(rule: SignedIdentity, asked: ImageReference, signed: string): boolean {
  const claim = readName(signed);
  if (claim === undefined) return false;
  switch (rule.type) {
    case 'matchExact':
      return isExact(asked, claim);
    case 'matchRepoDigestOrExact':
      return isExactOrRepository(asked, claim);
    case 'matchRepository':
      return isSameRepository(asked, claim);
    case 'exactReference': {
      const wanted = readName(rule.reference);
      return wanted !== undefined && isExact(wanted, claim);
    }
    case 'exactRepository': {
      const wanted = readName(rule.repository);
      return wanted !== undefined && isSameRepository(wanted, claim);
    }
    case 'remapIdentity': {
      const remapped = remap(asked, rule.prefix, rule.signedPrefix);
      return remapped !== undefined && isExactOrRepository(remapped, claim);
    }
    default:
      return rule satisfies never;
  }
}

type Name = ImageReference & { readonly hasTag: boolean };

/** The name as it is written: a tag that is not there is not understood as `latest`. */
function readName(text: string): Name | undefined {
  try {
    const reference = parseImageReference(text);
    const last = text.slice(text.lastIndexOf('/') + 1).split('@', 1)[0] ?? '';
    return { ...reference, hasTag: last.includes(':') };
  } catch {
    return undefined;
  }
}

/** Both have a tag or a digest, and the same. */
function isExact(wanted: ImageReference, claim: Name): boolean {
  if (!isSameRepository(wanted, claim) || wanted.digest !== claim.digest) return false;
  if (wanted.digest !== undefined) return wanted.tag === undefined || (claim.hasTag && wanted.tag === claim.tag);
  return claim.hasTag && wanted.tag === claim.tag;
}

/** A digest needs no name to say what is meant; a tag does. */
function isExactOrRepository(wanted: ImageReference, claim: Name): boolean {
  if (!isSameRepository(wanted, claim)) return false;
  if (wanted.tag === undefined) return true;
  return claim.hasTag && claim.tag === wanted.tag && (claim.digest === undefined || claim.digest === wanted.digest);
}

function isSameRepository(wanted: ImageReference, claim: ImageReference): boolean {
  return wanted.registry === claim.registry && wanted.repository === claim.repository;
}

function remap(asked: ImageReference, prefix: string, signedPrefix: string): ImageReference | undefined {
  const name = formatImageReference(asked);
  const rest = name.slice(prefix.length);
  if (!name.startsWith(prefix) || !/^(?:$|[/:@])/.test(rest)) return asked;
  return readName(`${signedPrefix}${rest}`);
}
