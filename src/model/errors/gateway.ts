// SPDX-License-Identifier: Apache-2.0
// The image gateway: its service, the work it does, and its clients.

export const gatewayErrors = {
  'gateway-config-invalid': {
    message: 'read the configuration {path}: {reason}',
    hint: 'slipway gateway check {path} lists everything that is wrong, with its line',
    exitStatus: 125,
    httpStatus: 500,
  },
  'gateway-database-failed': {
    message: 'open the records {database}: {reason}',
    exitStatus: 125,
    httpStatus: 503,
  },
  'gateway-registry-unknown': {
    message: 'pull from {registry}: it is none of the registries that this gateway knows ({known})',
    hint: 'ask the administrators for it, or give the name as REPOSITORY:TAG of the default registry',
    exitStatus: 125,
    httpStatus: 404,
  },
  'gateway-worker-failed': {
    message: 'make the image {image}: {reason}',
    exitStatus: 125,
    httpStatus: 500,
  },
  'gateway-delivery-failed': {
    message: 'deliver to {system}: {reason}',
    exitStatus: 125,
    httpStatus: 502,
  },
  'gateway-examiner-refused': {
    message: 'examine the image {image}: {program} refused it with status {status}{detail}',
    exitStatus: 125,
    httpStatus: 403,
  },
  'gateway-import-refused': {
    message: 'import {path}: {reason}',
    exitStatus: 125,
    httpStatus: 403,
  },
  'gateway-unreachable': {
    message: 'reach the image gateway: {reason}',
    hint: 'the gateways asked were {gateways}',
    exitStatus: 125,
    httpStatus: 502,
  },
  'gateway-refused': {
    message: '{task}: the image gateway answered {status}: {reason}',
    exitStatus: 125,
    httpStatus: 502,
  },
  'gateway-pull-failed': {
    message: 'pull {image}: {reason}',
    exitStatus: 1,
    httpStatus: 502,
  },
  'gateway-login-failed': {
    message: 'log in to {location}: {reason}',
    exitStatus: 1,
    httpStatus: 403,
  },
} as const;
