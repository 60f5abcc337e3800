// SPDX-License-Identifier: Apache-2.0
// What a site has laid down about registries and signatures, and images that do not comply.

export const trustErrors = {
  'containers-file-malformed': {
    message: 'read {path}: {reason}',
    hint: 'see {manual}',
    exitStatus: 125,
    httpStatus: 500,
  },
  'trust-rejected': {
    message: 'verify {reference}: {policy} rejects it',
    hint: 'the administrators of this machine have decided so; ask them which images may be used',
    exitStatus: 125,
    httpStatus: 403,
  },
  'signature-missing': {
    message: 'verify {reference}: {what} has no signature that {policy} accepts ({reason})',
    hint: 'ask whoever publishes the image for a signed one, and for the key',
    exitStatus: 125,
    httpStatus: 403,
  },
  'nothing-to-verify': {
    message: 'verify {reference}: no key was given, and no policy asks for a signature of it',
    hint: 'give the public key of whoever signs it: --key FILE',
    exitStatus: 125,
    httpStatus: 400,
  },
  'key-unusable': {
    message: 'read the public key {path}: {reason}',
    hint: 'a public key for sigstore is PEM (BEGIN PUBLIC KEY): ECDSA, Ed25519, or RSA of 2048 bits or more',
    exitStatus: 125,
    httpStatus: 500,
  },
  'gpgv-missing': {
    message: 'verify {reference}: signedBy needs gpgv, which is not in {searchPath}',
    hint: 'install it (Debian: apt install gpgv)',
    exitStatus: 125,
    httpStatus: 500,
  },
} as const;
