// SPDX-License-Identifier: Apache-2.0
// Converting images between forms.

export const convertErrors = {
  'target-unknown': {
    message: 'convert to {target}: {reason}',
    hint: 'say it with --to: directory, squashfs, tar, oci, oci-archive, docker-archive or dir; or name a file with its usual ending (.sqfs, .tar.gz, .tar.zst, …)',
    exitStatus: 125,
    httpStatus: 400,
  },
  'target-exists': {
    message: 'write {path}: it exists already',
    hint: 'choose another name, or replace it with --force',
    exitStatus: 125,
    httpStatus: 409,
  },
  'target-not-image': {
    message:
      'replace {path}: it is a directory that does not look like an image: it has none of etc, usr, bin, index.json',
    hint: 'choose another name, or remove it yourself',
    exitStatus: 125,
    httpStatus: 409,
  },
  'push-digest-differs': {
    message: 'push {reference}: the image has digest {actual}',
    hint: 'leave the digest out, or push the image that has it',
    exitStatus: 125,
    httpStatus: 409,
  },
} as const;
