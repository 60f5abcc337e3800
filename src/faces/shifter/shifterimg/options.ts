// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';

export const shifterimg: CommandDescription<'user' | 'group' | 'verbose' | 'help'> = {
  name: 'shifterimg',
  summary: 'ask the image gateway for images',
  description: [
    'Images are named TYPE:TAG, where TYPE is docker, custom, id or local; without a type that is known, the whole is a tag of the default type.',
    'images: list the images of this system. lookup: print the id of an image. pull: have an image pulled, and wait for it. pullnb: the same without waiting. expire: remove an image. autoexpire: remove what is past its expiry. login: keep credentials for a registry, or for the default one.',
  ],
  usage: [
    '[OPTION...] images',
    '[OPTION...] lookup|pull|pullnb|expire TYPE:TAG',
    '[OPTION...] autoexpire',
    '[OPTION...] login [LOCATION]',
  ],
  operands: [
    {
      name: 'MODE',
      help: 'images, lookup, pull, pullnb, expire, autoexpire or login',
      completion: ['images', 'lookup', 'pull', 'pullnb', 'expire', 'autoexpire', 'login'],
    },
    { name: 'ARG', help: 'an image, or the registry to log in to', isOptional: true },
  ],
  options: [
    {
      long: 'user',
      short: 'u',
      argument: 'required',
      argumentName: 'LIST',
      help: 'users, by name or number, who may use a private image that is pulled',
    },
    {
      long: 'group',
      short: 'g',
      argument: 'required',
      argumentName: 'LIST',
      help: 'groups, by name or number, who may use a private image that is pulled',
    },
    { long: 'verbose', short: 'v', argument: 'none', help: 'show what the gateway answers' },
    { long: 'help', short: 'h', argument: 'none', help: 'print this text' },
  ],
  rules: { mode: 'stop-at-operand' },
  sections: [
    {
      title: 'Files',
      items: [
        {
          term: '/etc/shifter/udiRoot.conf',
          help: 'where the gateways are (imageGateway), and how this system is called (system)',
        },
        { term: '~/.udiRoot/.cred', help: 'what login has kept' },
      ],
    },
    {
      title: 'Environment variables',
      items: [
        { term: 'SLIPWAY_UDIROOT_CONF', help: 'another path of the configuration' },
        { term: 'SLIPWAY_MUNGE_SOCKET', help: 'where munged listens' },
      ],
    },
    {
      title: 'Exit status',
      items: [
        { term: '0', help: 'all went well; with pullnb: the pull goes on' },
        {
          term: '1',
          help: 'there is no such image, the pull failed, or the gateway refused; with pullnb: the pull is over',
        },
      ],
    },
  ],
  examples: [{ command: 'shifterimg pull docker:debian:12', help: 'Have an image pulled' }],
};
