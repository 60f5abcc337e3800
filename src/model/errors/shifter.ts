// SPDX-License-Identifier: Apache-2.0
// What the Shifter family refuses: its configuration, images, volumes, modules and prepared containers.

export const shifterErrors = {
  'udi-root-missing': {
    message: 'read {path}: no such file',
    hint: "shifter needs the site's udiRoot.conf; an administrator can start from docs/administrators/shifter.md",
    exitStatus: 1,
    httpStatus: 500,
  },
  'udi-root-unsafe': {
    message: 'trust {path}: {reason}',
    hint: 'an administrator must make it safe: chown root:root {path} && chmod go-w {path}',
    exitStatus: 1,
    httpStatus: 500,
  },
  'udi-root-invalid': {
    message: 'read {path}, line {line}: {reason}',
    hint: 'slipway config check {path} lists all that is wrong with it',
    exitStatus: 1,
    httpStatus: 500,
  },
} as const;
