// SPDX-License-Identifier: Apache-2.0
// What several subcommands' descriptions have in common.

export const helpOption = { long: 'help', short: 'h', argument: 'none', help: 'print this text' } as const;

export const storeVariable = {
  term: 'SLIPWAY_STORE',
  help: 'directory of the image store; without it $XDG_DATA_HOME/slipway, or else ~/.local/share/slipway',
} as const;

export const policyOption = {
  long: 'policy',
  argument: 'required',
  argumentName: 'FILE',
  help: "go by this policy.json instead of the user's or the site's",
  completion: 'file',
} as const;
