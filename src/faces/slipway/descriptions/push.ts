// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { formsSection, helpOption, platformOption, storeVariable } from './common.ts';

export const push: CommandDescription<
  'platform' | 'concurrency' | 'chunk-size' | 'layer-compression' | 'owner' | 'plain-http' | 'quiet' | 'json' | 'help'
> = {
  name: 'slipway push',
  summary: 'bring an image into a registry',
  description: [
    'Sends an image of any form to a registry. An image with layers keeps them, and its digest; layers that are not compressed are, and what has no layers, such as a directory or a squashfs file, becomes one.',
    'What the registry has already is not sent again, nor what it can take from the repository that the image comes from. An upload that breaks off goes on where it stopped.',
    'The name with the digest is printed. Credentials are read from where slipway login, skopeo, podman and docker keep them.',
  ],
  operands: [
    { name: 'IMAGE', help: 'any of the forms below', completion: 'image-or-file' },
    { name: 'docker://NAME', help: '[REGISTRY/]NAME[:TAG]; latest if not said, and docker.io without REGISTRY' },
  ],
  options: [
    platformOption,
    {
      long: 'concurrency',
      short: 'j',
      argument: 'required',
      argumentName: 'N',
      help: 'send N blobs at a time, 1 to 64; 4 if not said',
    },
    {
      long: 'chunk-size',
      argument: 'required',
      argumentName: 'SIZE',
      help: 'send blobs in requests of SIZE bytes each, e.g. 64M, for proxies that take no larger ones',
    },
    {
      long: 'layer-compression',
      argument: 'required',
      argumentName: 'KIND',
      help: 'of layers that are not compressed yet: gzip (if not said), zstd or none',
      completion: ['gzip', 'zstd', 'none'],
    },
    { long: 'owner', argument: 'required', argumentName: 'UID:GID', help: 'give all files of a new layer this owner' },
    {
      long: 'plain-http',
      argument: 'none',
      help: 'speak HTTP without TLS, credentials included; for loopback addresses this is done by itself',
    },
    { long: 'quiet', short: 'q', argument: 'none', help: 'say nothing meanwhile but warnings' },
    { long: 'json', argument: 'none', help: 'print events as they happen, one JSON object a line' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [
    { ...formsSection, items: [...formsSection.items, { term: 'NAME', help: 'in the store' }] },
    {
      title: 'Environment variables',
      items: [storeVariable, { term: 'TMPDIR', help: 'where layers are made before they are sent; /tmp without it' }],
    },
  ],
  examples: [
    { command: 'slipway push oci:images/mine:1.0 docker://registry.example.org/me/mine:1.0', help: 'Push a layout' },
    { command: 'slipway push --owner 0:0 ./rootfs docker://ghcr.io/me/tools', help: 'Push a directory as one layer' },
  ],
};
