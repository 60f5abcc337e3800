// SPDX-License-Identifier: Apache-2.0
// Which images a site accepts (containers-policy.json(5)), and what is kept of how one was found acceptable.
import type { Digest } from './digest.ts';

/** Where public keys are. */
export type KeySource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'data'; readonly bytes: Buffer };

/** What a signature has to say about the name of the image. */
export type SignedIdentity =
  | { readonly type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { readonly type: 'exactReference'; readonly reference: string }
  | { readonly type: 'exactRepository'; readonly repository: string }
  | { readonly type: 'remapIdentity'; readonly prefix: string; readonly signedPrefix: string };

export type TrustRequirement =
  | { readonly type: 'insecureAcceptAnything' }
  | { readonly type: 'reject' }
  /** Simple signing, by one of the keys of an OpenPGP keyring. */
  | { readonly type: 'signedBy'; readonly keys: readonly KeySource[]; readonly identity: SignedIdentity }
  /** A sigstore signature by one of these public keys. */
  | { readonly type: 'sigstoreSigned'; readonly keys: readonly KeySource[]; readonly identity: SignedIdentity }
  /** A requirement that can't be checked, and therefore is never met. */
  | { readonly type: 'unsupported'; readonly reason: string };

export type TrustPolicy = {
  /** The file it was read from. */
  readonly path: string;
  /** All of them have to be met where nothing more specific is said. */
  readonly default: readonly TrustRequirement[];
  /** By transport (`docker`, `oci`, …), then by scope; '' is the transport's default. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly TrustRequirement[]>>;
};

/** A signature that was found good. */
export type AcceptedSignature = {
  readonly kind: 'simple-signing' | 'cosign' | 'sigstore-bundle';
  /** `sha256:…` of the public key (SubjectPublicKeyInfo, DER), or an OpenPGP fingerprint. */
  readonly key: string;
  /** What was signed: the image, or the index that leads to it. */
  readonly digest: Digest;
  /** The name that the signature gives the image, where it gives one. */
  readonly identity?: string;
};

/** How an image came to be accepted. */
export type Verification = {
  /** The policy's file, or `key` where a person gave one. */
  readonly by: string;
  /** None where anything was accepted. */
  readonly signatures: readonly AcceptedSignature[];
  /** RFC 3339. */
  readonly verified: string;
};

/** What is asked of an image before it is used. */
export type Trust = {
  /** None: everything is accepted. */
  readonly policy: TrustPolicy | undefined;
  /** Paths of public keys, of which one has to have signed; none: nothing is asked beyond the policy. */
  readonly keys: readonly string[];
  /** Where simple signatures of an image are; `scopes` as policies have them, from the most specific on. */
  readonly lookasideFor: (scopes: readonly string[]) => Promise<URL | undefined>;
};
