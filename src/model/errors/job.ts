// SPDX-License-Identifier: Apache-2.0

export const jobErrors = {
  'job-image-missing': {
    message: 'submit the job: --volume, --module and --ccm are for an image, and none is named',
    hint: 'name it: --image=docker:NAME:TAG',
    exitStatus: 1,
    httpStatus: 400,
  },
  'job-unknown': {
    message: 'ask Slurm of job {job}: {reason}',
    hint: 'on this node run: scontrol show job {job}; where Slurm is in a place of its own, add slurm_bindir=DIR to plugstack.conf',
    exitStatus: 1,
    httpStatus: 500,
  },
  'job-set-up-failed': {
    message: 'prepare the container of the job: {reason}',
    exitStatus: 1,
    httpStatus: 500,
  },
  'job-release-failed': {
    message: 'release the container at {path}: {reason}',
    hint: 'see what holds it (fuser -vm {path}), and run unsetupRoot again',
    exitStatus: 1,
    httpStatus: 500,
  },
  'job-not-prepared': {
    message: 'enter the container of job {job}: {reason}',
    exitStatus: 1,
    httpStatus: 500,
  },
  'job-extern-failed': {
    message: 'run {program} of extern_setup: it ended with status {status}: {reason}',
    exitStatus: 1,
    httpStatus: 500,
  },
  'job-option-unusable': {
    message: 'submit the job: {option}: {reason}',
    exitStatus: 1,
    httpStatus: 400,
  },
} as const;
