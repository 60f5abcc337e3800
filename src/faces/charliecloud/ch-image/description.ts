// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription, OptionTable } from '../../../formats/getopt/index.ts';
import { type CommonOption, commonOptions } from '../command.ts';

const unused = [
  'cache',
  'no-cache',
  'rebuild',
  'auth',
  'always-download',
  'password-many',
  'debug',
  'dependencies',
  'profile',
  'xattrs',
] as const;

export type ChImageOption =
  | 'arch'
  | 'storage'
  | 'tls-no-verify'
  | 'last-layer'
  | 'long'
  | 'no-lock'
  | 'quiet'
  | 'verbose'
  | 'cache-large'
  | (typeof unused)[number]
  | CommonOption;

const options: OptionTable<ChImageOption> = [
  {
    long: 'arch',
    short: 'a',
    argument: 'required',
    argumentName: 'ARCH',
    help: 'architecture of images to pull: host (the default), yolo (the same), or a name such as amd64 or arm64/v8',
  },
  {
    long: 'storage',
    short: 's',
    argument: 'required',
    argumentName: 'DIR',
    help: 'storage directory (default: $CH_IMAGE_STORAGE, else /var/tmp/$USER.ch)',
    completion: 'directory',
  },
  {
    long: 'tls-no-verify',
    argument: 'none',
    help: "don't verify registry certificates, and allow plain HTTP (dangerous!)",
  },
  { long: 'last-layer', argument: 'required', argumentName: 'N', help: 'accepted and not used', hidden: true },
  { long: 'long', short: 'l', argument: 'none', help: 'with list: say when each image was made' },
  { long: 'no-lock', argument: 'none', help: "don't lock the storage directory while it is changed" },
  { long: 'quiet', short: 'q', argument: 'none', help: 'say errors only' },
  { long: 'verbose', short: 'v', argument: 'none', help: 'say more' },
  ...unused.map(
    (long) => ({ long, argument: 'none', help: 'of the builder; accepted and not used', hidden: true }) as const,
  ),
  {
    long: 'cache-large',
    argument: 'required',
    argumentName: 'SIZE',
    help: 'of the builder; accepted and not used',
    hidden: true,
  },
  ...commonOptions,
];

export const chImage: CommandDescription<ChImageOption> = {
  name: 'ch-image',
  summary: 'manage the images that ch-run runs by name',
  description: [
    'Keeps images as directories in the storage directory. Images are not built here: use podman, buildah or docker, and bring the result with import or pull.',
  ],
  usage: ['[OPTION...] COMMAND [ARG...]'],
  operands: [
    {
      name: 'COMMAND',
      help: 'what is to be done',
      completion: ['delete', 'gestalt', 'import', 'list', 'pull', 'reset', 'storage-path'],
    },
    { name: 'ARG', help: 'its arguments', isOptional: true, isRepeated: true },
  ],
  options,
  rules: { mode: 'permute' },
  sections: [
    {
      title: 'Commands',
      items: [
        { term: 'pull IMAGE [DEST]', help: 'bring an image from a registry, as DEST or by its own name' },
        { term: 'list [IMAGE]', help: 'print the names of the images, or what is known of one' },
        { term: 'delete GLOB...', help: 'remove the images that match' },
        { term: 'import PATH IMAGE', help: 'bring a tarball, directory or squashfs file' },
        { term: 'reset', help: 'remove everything in the storage directory' },
        { term: 'storage-path', help: 'print where the storage directory is' },
        {
          term: 'gestalt KEY',
          help: 'exit successfully if it is so: bucache, bucache-dot (never); or print it: storage-path, python-path',
        },
      ],
    },
    {
      title: 'Exit status',
      items: [
        { term: '1', help: 'it could not be done' },
        { term: '2', help: 'the command line could not be understood' },
      ],
    },
  ],
  examples: [
    { command: 'ch-image pull debian:12', help: 'Bring an image' },
    { command: 'ch-run debian:12 -- cat /etc/os-release', help: 'Run a program in it' },
  ],
};
