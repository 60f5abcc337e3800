// SPDX-License-Identifier: Apache-2.0
// What the operating system refuses. `attempt` is a verb with its object's kind ("write the file"), `errno` the
// error's name as errno(3) lists it.

export const systemErrors = {
  'disk-full': {
    message: '{attempt} {path}: {reason} ({errno})',
    hint: 'free space there, or choose a directory on another file system (for images: SLIPWAY_STORE)',
    exitStatus: 125,
    httpStatus: 507,
  },
  'permission-denied': {
    message: '{attempt} {path}: permission denied ({errno})',
    hint: 'see who owns {path} and its directory, and which modes they have',
    exitStatus: 125,
    httpStatus: 500,
  },
  'read-only-file-system': {
    message: '{attempt} {path}: the file system is mounted read-only ({errno})',
    hint: 'choose a directory on a file system that can be written',
    exitStatus: 125,
    httpStatus: 500,
  },
  'file-operation-failed': {
    message: '{attempt} {path}: {reason} ({errno})',
    exitStatus: 125,
    httpStatus: 500,
  },
  'file-too-large': {
    message: 'read {path}: it has more than {limitBytes} bytes',
    hint: 'this is no file that Slipway wrote; see what it is',
    exitStatus: 125,
    httpStatus: 500,
  },
  'lock-lost': {
    message:
      'hold the lock {path} ({what}): another process took it over, as nothing was heard from this one for too long',
    hint: 'run the command again; what was complete has been kept',
    exitStatus: 125,
    httpStatus: 503,
  },
} as const;
