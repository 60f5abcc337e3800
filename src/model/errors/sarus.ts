// SPDX-License-Identifier: Apache-2.0
// The sarus command. All of Sarus's own failures end with status 1.

export const sarusErrors = {
  'sarus-json': {
    message: 'read {path}: {reason}',
    hint: 'it is the site configuration of sarus; docs/administrators/from-sarus.md says what its members mean here',
    exitStatus: 1,
    httpStatus: 500,
  },
  'sarus-usage': {
    message: '{command}: {reason}',
    hint: "see 'sarus help {topic}'",
    exitStatus: 1,
    httpStatus: 400,
  },
  'sarus-image-missing': {
    message: 'find the image {reference}: it is not in {repository}',
    hint: 'list what is there with `sarus images`, or pull it with `sarus pull`',
    exitStatus: 1,
    httpStatus: 404,
  },
  'sarus-repository': {
    message: 'read {path}: {reason}',
    hint: 'it lists the images of a repository; move it away, and pull the images again',
    exitStatus: 1,
    httpStatus: 500,
  },
  'sarus-central-missing': {
    message: 'use the centralized repository: the site has none',
    hint: 'leave out --centralized-repository, or have centralizedRepositoryDir set in sarus.json',
    exitStatus: 1,
    httpStatus: 400,
  },
  'sarus-no-command': {
    message: 'run {image}: neither the image nor the command line names a program',
    hint: 'name one after the image',
    exitStatus: 1,
    httpStatus: 400,
  },
  'sarus-ssh-missing': {
    message: 'make keys for ssh: the site has no Dropbear',
    hint: 'an administrator names its directory: DROPBEAR_DIR of ssh_hook, or dropbear in prefixDir of sarus.json',
    exitStatus: 1,
    httpStatus: 500,
  },
  'sarus-ssh-key': {
    message: 'make the key {path}: {reason}',
    hint: "the program is bin/dropbearkey of the site's Dropbear; an administrator can tell whether it works here",
    exitStatus: 1,
    httpStatus: 500,
  },
  'sarus-ssh-keys': {
    message: 'use --ssh: there are no keys for it in {path}',
    hint: 'make them once with `sarus ssh-keygen`',
    exitStatus: 1,
    httpStatus: 400,
  },
} as const;
