// SPDX-License-Identifier: Apache-2.0
// The image store and what is asked of it.

export const storeErrors = {
  'image-not-found': {
    message: 'find image {reference}: it is not in the store {store}',
    hint: 'pull it: slipway pull {reference}',
    exitStatus: 125,
    httpStatus: 404,
  },
  'image-denied': {
    message: 'find image {reference}: the store {store} has what may be it, but you may not read it',
    hint: 'ask whoever keeps that store for access (slipway access), or pull it into your own: slipway pull {reference}',
    exitStatus: 125,
    httpStatus: 403,
  },
  'access-unenforceable': {
    message: 'let only some users read {path}: {reason}',
    hint: 'access lists need setfacl (Debian: apt install acl) and a file system that keeps them; until then nobody but the owner may read the file',
    exitStatus: 125,
    httpStatus: 500,
  },
  'account-unknown': {
    message: 'give access to {kind} {name}: there is no such {kind}',
    hint: 'give a name that `getent` knows, or a number',
    exitStatus: 125,
    httpStatus: 400,
  },
  'image-ambiguous': {
    message: 'find image {reference}: the store has several that match: {candidates}',
    hint: 'give one of these names',
    exitStatus: 125,
    httpStatus: 409,
  },
  'store-path-unusable': {
    message: 'choose the image store: {reason}',
    hint: 'set SLIPWAY_STORE to the absolute path of a directory',
    exitStatus: 125,
    httpStatus: 500,
  },
  'store-version-unknown': {
    message: 'open the store {store}: its version is {version}, which this Slipway does not know',
    hint: 'use the Slipway that made it, or set SLIPWAY_STORE to another directory',
    exitStatus: 125,
    httpStatus: 500,
  },
  'store-damaged': {
    message: 'read {path}: {reason}',
    hint: '`slipway fsck --repair` removes what is damaged; then pull the image again',
    exitStatus: 125,
    httpStatus: 500,
  },
  'store-not-writable': {
    message: 'write to the store {store}: {reason} ({errno})',
    hint: 'set SLIPWAY_STORE to a directory of your own',
    exitStatus: 125,
    httpStatus: 500,
  },
  'store-space-short': {
    message: 'pull {reference}: the store {store} has {free} free, and about {needed} are needed',
    hint: 'remove images (slipway rm), or set SLIPWAY_STORE to a directory on another file system',
    exitStatus: 125,
    httpStatus: 507,
  },
} as const;
