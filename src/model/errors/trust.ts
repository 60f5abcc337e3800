// SPDX-License-Identifier: Apache-2.0
// What a site has laid down about registries and signatures, and images that do not comply.

export const trustErrors = {
  'containers-file-malformed': {
    message: 'read {path}: {reason}',
    hint: 'see {manual}',
    exitStatus: 125,
    httpStatus: 500,
  },
} as const;
