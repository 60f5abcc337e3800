// SPDX-License-Identifier: Apache-2.0
// The commands of older releases, which scripts still name. ch-convert and ch-image do the same and more.
import type { CommandDescription, OperandEntry, OptionTable } from '../../../formats/getopt/index.ts';
import { type CommonOption, commonOptions } from '../command.ts';

export type WrapperOption = 'verbose' | 'tag' | CommonOption;

const options: OptionTable<WrapperOption> = [
  { long: 'verbose', short: 'v', argument: 'none', help: 'say more' },
  { long: 'tag', short: 't', argument: 'required', argumentName: 'TAG', help: 'name of the image that is built' },
  ...commonOptions,
];

const withoutTag = options.filter(({ long }) => long !== 'tag');
const image: OperandEntry = { name: 'IMAGE', help: 'name of an image in a registry' };
const context: OperandEntry = { name: 'CONTEXT', help: 'directory that the build may use', completion: 'directory' };
const destination: OperandEntry = {
  name: 'DEST',
  help: 'directory in which the result is made',
  completion: 'directory',
};

function wrapper(
  name: string,
  summary: string,
  operands: readonly OperandEntry[],
  given: { readonly isBuild?: boolean; readonly example: string; readonly instead: string },
): CommandDescription<WrapperOption> {
  return {
    name,
    summary,
    description: [`A command of older releases of Charliecloud. Today one writes: ${given.instead}`],
    operands,
    options: given.isBuild === true ? options : withoutTag,
    rules: { mode: 'permute' },
    examples: [{ command: given.example, help: summary }],
  };
}

const chTar2dir = wrapper(
  'ch-tar2dir',
  'unpack an image tarball into a directory',
  [
    { name: 'TARBALL', help: 'image tarball; .tar.gz, .tar.xz, .tgz or .tar may be left out', completion: 'file' },
    destination,
  ],
  { example: 'ch-tar2dir image.tar.gz /var/tmp', instead: 'ch-convert TARBALL DEST/NAME' },
);
const chDir2squash = wrapper(
  'ch-dir2squash',
  'make a squashfs file of an image directory',
  [{ name: 'INDIR', help: 'image directory', completion: 'directory' }, destination],
  { example: 'ch-dir2squash /var/tmp/image .', instead: 'ch-convert INDIR DEST/NAME.sqfs' },
);
const chDocker2tar = wrapper(
  'ch-docker2tar',
  'make a tarball of an image of docker',
  [{ ...image, help: "name of an image in docker's storage" }, destination],
  { example: 'ch-docker2tar app:1 .', instead: 'ch-convert -i docker IMAGE DEST/NAME.tar.gz' },
);
const chBuild = wrapper('ch-build', 'build an image with docker', [context], {
  isBuild: true,
  example: 'ch-build -t app:1 .',
  instead: 'docker build, podman build or buildah',
});
const chBuild2dir = wrapper(
  'ch-build2dir',
  'build an image with docker and unpack it into a directory',
  [context, destination],
  {
    isBuild: true,
    example: 'ch-build2dir -t app:1 . /var/tmp',
    instead: 'docker build, then ch-convert -i docker TAG DEST/NAME',
  },
);
const chPull2tar = wrapper('ch-pull2tar', 'pull an image and make a tarball of it', [image, destination], {
  example: 'ch-pull2tar debian:12 .',
  instead: 'ch-image pull IMAGE, then ch-convert IMAGE DEST/NAME.tar.gz',
});
const chPull2dir = wrapper('ch-pull2dir', 'pull an image and unpack it into a directory', [image, destination], {
  example: 'ch-pull2dir debian:12 /var/tmp',
  instead: 'ch-image pull IMAGE, then ch-run IMAGE; or ch-convert IMAGE DEST/NAME',
});

export const wrapperDescriptions: readonly CommandDescription<WrapperOption>[] = [
  chTar2dir,
  chDir2squash,
  chDocker2tar,
  chBuild,
  chBuild2dir,
  chPull2tar,
  chPull2dir,
];
