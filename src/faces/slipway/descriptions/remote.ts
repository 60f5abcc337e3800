// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption } from './common.ts';

export const remote: CommandDescription<'gateway' | 'system' | 'user' | 'group' | 'mine' | 'json' | 'quiet' | 'help'> =
  {
    name: 'slipway remote',
    summary: "work with the images of the site's image gateway",
    description: [
      '`images` lists what you may use; `pull` has an image pulled and waits for it, with progress; `lookup` prints the id of an image; `rm` takes away a tag that only you have pulled, and with its last tag the image; `pulls` shows what is being pulled, how far it is, and why a pull failed; `cancel` ends a pull that you have asked for.',
      'An image is named REPOSITORY[:TAG], REPOSITORY@sha256:DIGEST, or with a registry that the gateway knows before it; custom:NAME is an image that was imported. Credentials for registries are those of `shifterimg login`.',
    ],
    usage: ['images [OPTION...]', 'pull|lookup|rm|cancel [OPTION...] IMAGE', 'pulls [OPTION...]'],
    operands: [
      {
        name: 'ACTION',
        help: 'images, pull, lookup, rm, pulls or cancel',
        completion: ['images', 'pull', 'lookup', 'rm', 'pulls', 'cancel'],
      },
      { name: 'IMAGE', help: 'the image', isOptional: true },
    ],
    options: [
      {
        long: 'gateway',
        argument: 'required',
        argumentName: 'URL',
        help: 'the gateway to ask, in the place of those of udiRoot.conf; may be given several times',
      },
      {
        long: 'system',
        argument: 'required',
        argumentName: 'NAME',
        help: 'the system, in the place of that of udiRoot.conf',
      },
      {
        long: 'user',
        argument: 'required',
        argumentName: 'LIST',
        help: 'with pull: users who may use a private image',
      },
      {
        long: 'group',
        argument: 'required',
        argumentName: 'LIST',
        help: 'with pull: groups who may use a private image',
      },
      { long: 'mine', argument: 'none', help: 'with images: only those that you are the only one to have pulled' },
      { long: 'json', argument: 'none', help: 'print JSON: one value, or with pull a line for each change' },
      { long: 'quiet', short: 'q', argument: 'none', help: 'with pull: show no progress' },
      helpOption,
    ],
    rules: { mode: 'permute' },
    sections: [
      {
        title: 'Environment variables',
        items: [
          { term: 'SLIPWAY_UDIROOT_CONF', help: 'another path than /etc/shifter/udiRoot.conf' },
          { term: 'SLIPWAY_MUNGE_SOCKET', help: 'where munged listens' },
        ],
      },
      {
        title: 'Exit status',
        items: [
          { term: '0', help: 'it is done' },
          { term: '1', help: 'there is no such image, the pull failed, or it is not yours to remove or cancel' },
          { term: '125', help: 'no gateway could be asked, or it refused' },
        ],
      },
    ],
    examples: [
      {
        command: 'slipway remote pull --group=project42 quay.io/org/app@sha256:0123…',
        help: 'Pull by digest, for a group',
      },
      { command: 'slipway remote pulls --json', help: 'See what is on its way' },
    ],
  };
