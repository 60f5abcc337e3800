// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, storeVariable } from './common.ts';

export const access: CommandDescription<'user' | 'group' | 'everyone' | 'help'> = {
  name: 'slipway access',
  summary: 'decide who may use an image of a shared store',
  description: [
    'For a store that others read: lets only the users and groups that are named read the image, beside the owner of its file. The kernel sees to it, by access lists of the files (acl(5)), on every machine that mounts the store; kept layers are closed to all but the owner and group of the store from then on.',
    'All who may use the image are named at once; without an option it is printed who they are. `slipway pull --allow-user` does the same before anybody can see the image.',
  ],
  operands: [{ name: 'IMAGE', help: 'a name, a digest, or 12 or more digits that begin one', completion: 'image' }],
  options: [
    { long: 'user', short: 'u', argument: 'required', argumentName: 'USER', help: 'a name or number; may be repeated' },
    {
      long: 'group',
      short: 'g',
      argument: 'required',
      argumentName: 'GROUP',
      help: 'a name or number; may be repeated',
    },
    { long: 'everyone', argument: 'none', help: 'let everybody use it who may enter the store' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [storeVariable] }],
  examples: [{ command: 'slipway access licensed/solver:5 --group solver-users', help: 'Licensed software' }],
};
