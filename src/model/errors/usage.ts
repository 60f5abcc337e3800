// SPDX-License-Identifier: Apache-2.0

export const usageErrors = {
  'usage': {
    message: '{reason}',
    hint: 'see: {command} --help',
    exitStatus: 2,
    httpStatus: 400,
  },
  'command-unknown': {
    message: 'there is no command {command}',
    hint: 'see: {program} --help',
    exitStatus: 2,
    httpStatus: 400,
  },
  'reference-malformed': {
    message: 'read image name "{reference}": {reason}',
    hint: 'an image name is [REGISTRY[:PORT]/]REPOSITORY[:TAG][@DIGEST], e.g. docker.io/library/debian:12',
    exitStatus: 125,
    httpStatus: 400,
  },
} as const;
