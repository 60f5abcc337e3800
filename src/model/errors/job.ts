// SPDX-License-Identifier: Apache-2.0

export const jobErrors = {
  'job-image-missing': {
    message: 'submit the job: --volume, --module and --ccm are for an image, and none is named',
    hint: 'name it: --image=docker:NAME:TAG',
    exitStatus: 1,
    httpStatus: 400,
  },
  'job-image-unknown': {
    message: 'submit the job: look up {image}: {reason}',
    hint: 'pull it first: shifterimg pull {image}; shifterimg images lists those that are there',
    exitStatus: 1,
    httpStatus: 404,
  },
  'job-option-unusable': {
    message: 'submit the job: {option}: {reason}',
    exitStatus: 1,
    httpStatus: 400,
  },
} as const;
