// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { formsSection, helpOption, platformOption, storeVariable } from './common.ts';

export const convert: CommandDescription<
  | 'from'
  | 'to'
  | 'force'
  | 'platform'
  | 'name'
  | 'layer-compression'
  | 'compression'
  | 'level'
  | 'xattrs'
  | 'setuid'
  | 'no-owners'
  | 'owner'
  | 'keep-top'
  | 'plain-http'
  | 'quiet'
  | 'json'
  | 'help'
> = {
  name: 'slipway convert',
  summary: 'turn an image of one form into another',
  description: [
    'Reads an image of any form and writes it in another. Files stream from one to the other and are never unpacked on the way; OUT appears when it is complete, or not at all.',
    "IN's form is seen from its content, OUT's from its name: .sqfs and .squashfs, .tar, .tar.gz (.tgz), .tar.zst, .tar.xz, .tar.bz2; anything else is a directory. A form and a colon before the name, or --from and --to, decide.",
    'An image with layers keeps them where OUT holds layers; elsewhere they are merged. Device files and sockets are left out; set-user-ID bits are kept in files of one piece and left out of a directory.',
  ],
  operands: [
    { name: 'IN', help: 'any of the forms below', completion: 'image-or-file' },
    { name: 'OUT', help: 'a file or directory that does not exist', completion: 'file' },
  ],
  options: [
    {
      long: 'from',
      argument: 'required',
      argumentName: 'FORM',
      help: 'what IN is: directory, squashfs, sif, tar, oci, oci-archive, docker-archive, dir',
      completion: ['directory', 'squashfs', 'sif', 'tar', 'oci', 'oci-archive', 'docker-archive', 'dir'],
    },
    {
      long: 'to',
      argument: 'required',
      argumentName: 'FORM',
      help: 'what OUT is to be: directory, squashfs, tar, oci, oci-archive, docker-archive, dir',
      completion: ['directory', 'squashfs', 'tar', 'oci', 'oci-archive', 'docker-archive', 'dir'],
    },
    {
      long: 'force',
      short: 'f',
      argument: 'none',
      help: 'replace what is at OUT; a directory only where it looks like an image',
    },
    platformOption,
    {
      long: 'name',
      argument: 'required',
      argumentName: 'NAME',
      help: "the image's tag or name in an OCI layout (latest if not said) or docker archive",
    },
    {
      long: 'layer-compression',
      argument: 'required',
      argumentName: 'KIND',
      help: 'of layers that have to be made: gzip (if not said), zstd or none',
      completion: ['gzip', 'zstd', 'none'],
    },
    {
      long: 'compression',
      argument: 'required',
      argumentName: 'KIND',
      help: 'of a squashfs: zstd (if not said), gzip, lz4 or xz (slow; by the program xz)',
      completion: ['zstd', 'gzip', 'lz4', 'xz'],
    },
    {
      long: 'level',
      argument: 'required',
      argumentName: 'N',
      help: 'of a squashfs: zstd 1 to 22 (3 if not said), gzip 1 to 9 (9), xz 0 to 9 (6); lz4 has none',
    },
    {
      long: 'xattrs',
      argument: 'none',
      help: 'keep extended attributes: user.* and security.capability (for directories by getfattr and setfattr)',
    },
    { long: 'setuid', argument: 'none', help: 'keep set-user-ID and set-group-ID bits in a directory too' },
    {
      long: 'owner',
      argument: 'required',
      argumentName: 'UID:GID',
      help: 'give all files this owner',
    },
    { long: 'no-owners', argument: 'none', help: 'as root: leave files in a directory to root' },
    {
      long: 'keep-top',
      argument: 'none',
      help: 'keep a single directory at the top of a tarball, which is otherwise taken for the root',
    },
    { long: 'plain-http', argument: 'none', help: 'speak HTTP without TLS to a registry' },
    { long: 'quiet', short: 'q', argument: 'none', help: 'say nothing meanwhile but warnings' },
    { long: 'json', argument: 'none', help: 'print events as they happen, one JSON object a line' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [
    { ...formsSection, items: [...formsSection.items, { term: 'NAME', help: 'in the store' }] },
    { title: 'Environment variables', items: [storeVariable] },
  ],
  examples: [
    { command: 'slipway convert image.sif image.sqfs', help: 'Take the squashfs out of a SIF file, and write it anew' },
    { command: 'slipway convert docker-archive:saved.tar.gz rootfs', help: 'Unpack what docker save wrote' },
    { command: 'slipway convert rootfs oci:images/mine:1.0', help: 'Make an OCI image of a directory' },
    { command: 'slipway convert debian:12 debian.tar.zst', help: 'Write an image of the store as a tarball' },
  ],
};
