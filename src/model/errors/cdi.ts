// SPDX-License-Identifier: Apache-2.0

export const cdiErrors = {
  'cdi-spec-malformed': {
    message: 'read {path}: line {line}: {reason}',
    hint: "generate it again with its vendor's tool (for NVIDIA: nvidia-ctk cdi generate), or correct it",
    exitStatus: 125,
    httpStatus: 500,
  },
  'cdi-device-unknown': {
    message: 'use device {name}: no specification has it; {reason}',
    hint: 'name one that is there, or have an administrator generate the specification into /etc/cdi',
    exitStatus: 125,
    httpStatus: 404,
  },
  'cdi-device-ambiguous': {
    message: 'use device {name}: {first} and {second} both have it',
    hint: 'an administrator must remove it from one of them',
    exitStatus: 125,
    httpStatus: 500,
  },
} as const;
