// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription, OptionTable } from '../../../formats/getopt/index.ts';
import { type CommonOption, commonOptions } from '../command.ts';

export const formats = ['ch-image', 'dir', 'docker', 'oci', 'podman', 'squash', 'tar'] as const;
export type Format = (typeof formats)[number];

export type ChConvertOption =
  | 'in-fmt'
  | 'out-fmt'
  | 'dry-run'
  | 'no-clobber'
  | 'storage'
  | 'tmp'
  | 'xattrs'
  | 'no-xattrs'
  | 'quiet'
  | 'verbose'
  | CommonOption;

const options: OptionTable<ChConvertOption> = [
  {
    long: 'in-fmt',
    short: 'i',
    argument: 'required',
    argumentName: 'FMT',
    help: 'format of IN: ch-image, dir, docker, oci, podman, squash or tar',
    completion: formats,
  },
  {
    long: 'out-fmt',
    short: 'o',
    argument: 'required',
    argumentName: 'FMT',
    help: 'format of OUT, of the same',
    completion: formats,
  },
  { long: 'dry-run', short: 'n', argument: 'none', help: "don't convert, only check and say what would be done" },
  { long: 'no-clobber', argument: 'none', help: 'error if OUT already exists' },
  {
    long: 'storage',
    short: 's',
    argument: 'required',
    argumentName: 'DIR',
    help: 'storage directory of images (default: $CH_IMAGE_STORAGE, else /var/tmp/$USER.ch)',
    completion: 'directory',
  },
  {
    long: 'tmp',
    argument: 'required',
    argumentName: 'DIR',
    help: 'directory for temporary files (default: $TMPDIR, else /var/tmp)',
    completion: 'directory',
  },
  { long: 'xattrs', argument: 'none', help: 'keep the extended attributes user.* and security.capability' },
  { long: 'no-xattrs', argument: 'none', help: 'drop all extended attributes (the default unless $CH_XATTRS is set)' },
  { long: 'quiet', short: 'q', argument: 'none', help: 'say errors only' },
  { long: 'verbose', short: 'v', argument: 'none', help: 'say more' },
  ...commonOptions,
];

export const chConvert: CommandDescription<ChConvertOption> = {
  name: 'ch-convert',
  summary: 'convert an image from one format to another',
  description: [
    'Copies the image IN to OUT and converts its format. The formats are inferred from the names unless they are given: *.sqfs, *.squash and *.squashfs are squash; *.tar, *.tar.gz, *.tgz, *.tar.xz are tar; what begins with / or ./ is dir; what begins with oci: or oci-archive: is oci; the rest is ch-image.',
    'OUT appears whole or not at all. Device files are left out, and what is in /dev; mount points that an image needs are made. A tarball may have one directory at its top, which is left out, or none.',
    'An image of the format oci is PATH[:TAG], a directory, or a file where PATH ends in .tar or .oci. Images in the storage of docker and podman are read and written by these programs.',
  ],
  usage: ['[-i FMT] [-o FMT] [OPTION...] IN OUT'],
  operands: [
    { name: 'IN', help: 'the image to be read', completion: 'file' },
    { name: 'OUT', help: 'where it goes', completion: 'file' },
  ],
  options,
  rules: { mode: 'stop-at-operand' },
  sections: [{ title: 'Exit status', items: [{ term: '1', help: 'the image could not be converted' }] }],
  examples: [
    { command: 'ch-convert ./image image.sqfs', help: 'Make a squashfs file of a directory' },
    { command: 'ch-convert -o dir image.tar.gz /var/tmp/image', help: 'Unpack a tarball' },
    { command: 'ch-convert -i podman foo:1 foo.sqfs', help: "Make a squashfs file of an image in podman's storage" },
    { command: 'ch-convert ./image oci:layout:1.0', help: 'Make an OCI image of one layer' },
  ],
};
