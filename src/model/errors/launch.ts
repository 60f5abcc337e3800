// SPDX-License-Identifier: Apache-2.0

export const launchErrors = {
  'squashfuse-missing': {
    message: 'run {image}: no squashfuse_ll on this machine to mount it with',
    hint: 'install squashfuse (Debian: apt install squashfuse), or run an unpacked directory instead',
    exitStatus: 125,
    httpStatus: 500,
  },
  'launcher-missing': {
    message: 'run {command}: it was not started by the launcher',
    hint: 'use the slipway program of the installation (bin/slipway), not its parts',
    exitStatus: 125,
    httpStatus: 500,
  },
  'no-command': {
    message: 'run {image}: no command was given, and the image names none',
    hint: 'name one: slipway run {image} -- COMMAND',
    exitStatus: 125,
    httpStatus: 400,
  },
  'image-file-unknown': {
    message: 'run {path}: it is neither a directory nor a squashfs image',
    hint: 'give the name of an image in the store, an unpacked directory, or a squashfs file; bring others into the store first: slipway pull {path}',
    exitStatus: 125,
    httpStatus: 400,
  },
  'image-file-missing': {
    message: 'run {path}: no such file or directory',
    hint: 'a word that begins with / or ./ is a path; without it, it is the name of an image in the store',
    exitStatus: 125,
    httpStatus: 404,
  },
  'run-too-large': {
    message: 'run {image}: {reason}',
    hint: 'give fewer or shorter options and variables',
    exitStatus: 125,
    httpStatus: 400,
  },
  'run-directory-missing': {
    message: 'run {image}: no directory that is private to you was found for plans and sockets',
    hint: 'set XDG_RUNTIME_DIR to a directory of yours with mode 0700 on a local file system',
    exitStatus: 125,
    httpStatus: 500,
  },
  'run-directory-unwritable': {
    message: 'write in {path}, the directory for plans: {reason}',
    hint: 'make room there, or set XDG_RUNTIME_DIR to a directory of yours with mode 0700 on a local file system',
    exitStatus: 125,
    httpStatus: 500,
  },
  'environment-file-malformed': {
    message: 'read environment file {path}: line {line}: {reason}',
    hint: 'each line is NAME=value, or NAME to take it from your environment; # begins a comment',
    exitStatus: 125,
    httpStatus: 400,
  },
  'input-unreadable': {
    message: 'read {path}: {reason}',
    exitStatus: 125,
    httpStatus: 500,
  },
} as const;
