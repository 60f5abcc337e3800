// SPDX-License-Identifier: Apache-2.0
// Digests as the OCI image specification writes them ("Descriptors", section Digests): `algorithm:hex`.
// A Digest is an identity that was checked for its form; whether bytes match it is the reader's business.

declare const digestBrand: unique symbol;
/** A well-formed `sha256:…` or `sha512:…`. */
export type Digest = string & { readonly [digestBrand]: true };

const pattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** The digest that `text` spells, or undefined: other algorithms and upper-case hex are not digests here. */
export function parseDigest(text: string): Digest | undefined {
  return pattern.test(text) ? (text as Digest) : undefined;
}

/** The hash algorithm, by the name that node:crypto knows. */
export function digestAlgorithm(digest: Digest): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The hexadecimal part: safe as a file name. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}
