// SPDX-License-Identifier: Apache-2.0
// What Charliecloud's commands say, in the words of Charliecloud: scripts look for them. The cause is the system's own
// error, where there is one.

export const charliecloudErrors = {
  'charliecloud-usage': { message: '{reason}', exitStatus: 64, httpStatus: 400 },
  'charliecloud-user-unset': {
    message: '$USER not set',
    hint: 'export USER=$(id -un)',
    exitStatus: 1,
    httpStatus: 400,
  },
  'charliecloud-no-command': {
    message: 'IMAGE and/or COMMAND not specified',
    hint: 'ch-run [OPTION...] IMAGE -- COMMAND [ARG...]',
    exitStatus: 1,
    httpStatus: 400,
  },
  'charliecloud-option': { message: '{option}: {reason}', exitStatus: 1, httpStatus: 400 },
  'charliecloud-verbosity': { message: '{reason}', exitStatus: 1, httpStatus: 400 },
  'charliecloud-feature-unknown': {
    message: 'unknown feature: {feature}',
    hint: 'the features are extglob, overlayfs, seccomp, squash and tmpfs-xattrs',
    exitStatus: 1,
    httpStatus: 400,
  },
  'charliecloud-test-failed': { message: 'the program failed inexplicably', exitStatus: 1, httpStatus: 500 },
  'charliecloud-home-unset': { message: '--home failed: ${variable} not set', exitStatus: 1, httpStatus: 400 },
  'charliecloud-image-missing': {
    message: "can't find image: {image}",
    hint: 'name an image in the storage directory, a directory, or a squashfs file',
    exitStatus: 1,
    httpStatus: 404,
  },
  'charliecloud-image-unknown': {
    message: 'unknown image type: {image}',
    hint: 'ch-convert makes a directory or a squashfs file of it',
    exitStatus: 1,
    httpStatus: 400,
  },
  'charliecloud-image-in-storage': {
    message: "can't run directory images from storage (hint: run by name)",
    exitStatus: 1,
    httpStatus: 400,
  },
  'charliecloud-write-by-name': { message: '--write invalid when running by name', exitStatus: 1, httpStatus: 400 },
  'charliecloud-stat': { message: "can't stat{what}: {path}", exitStatus: 1, httpStatus: 400 },
  'charliecloud-not-a-directory': { message: 'not a directory: {path}', exitStatus: 1, httpStatus: 400 },
  'charliecloud-mount-point-empty': { message: "mount point can't be empty string", exitStatus: 1, httpStatus: 400 },
  'charliecloud-bind': { message: "can't bind: {reason}", exitStatus: 1, httpStatus: 400 },
  'charliecloud-bind-kind': { message: "can't bind {source} to {target}", exitStatus: 1, httpStatus: 400 },
  'charliecloud-tmpfs': { message: "can't mount tmpfs at {target}", exitStatus: 1, httpStatus: 400 },
  'charliecloud-mkdir': { message: "can't mkdir: {reason}", exitStatus: 1, httpStatus: 400 },
  'charliecloud-open': { message: "can't open: {path}", exitStatus: 1, httpStatus: 400 },
  'charliecloud-variable': { message: "can't parse variable: {reason}", exitStatus: 1, httpStatus: 400 },
  'charliecloud-ch-ssh': { message: '--ch-ssh: /usr/bin/ch-ssh not in image', exitStatus: 1, httpStatus: 400 },
  'charliecloud-join': { message: 'join: {reason}', exitStatus: 1, httpStatus: 400 },
  'charliecloud-overlay-size': { message: 'cannot mount tmpfs for overlay', exitStatus: 1, httpStatus: 400 },
  'charliecloud-storage-invalid': {
    message: 'storage directory seems invalid: {path}',
    hint: 'name one that ch-image made, or a new or empty directory',
    exitStatus: 1,
    httpStatus: 400,
  },
  'charliecloud-convert': { message: '{reason}', exitStatus: 1, httpStatus: 400 },
  'charliecloud-engine': {
    message: '{program}: {reason}',
    hint: 'it must be installed, and you must be allowed to use it',
    exitStatus: 1,
    httpStatus: 502,
  },
  'charliecloud-temporary-directory': {
    message: "can't use the host's directory for temporary files: {path}",
    hint: 'set TMPDIR to a directory that exists, or unset it',
    exitStatus: 1,
    httpStatus: 400,
  },
} as const;
