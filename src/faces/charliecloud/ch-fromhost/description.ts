// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';

const which = 'Which files to inject (can be repeated)';
const where = 'Where they go in the image';

export type ChFromhostOption = (typeof names)[number];
const names = [
  'cmd',
  'file',
  'path',
  'cray-mpi',
  'cray-cxi',
  'cray-gni',
  'nvidia',
  'dest',
  'lib-path',
  'print-lib',
  'print-fi',
  'print-cray-fi',
  'no-ldconfig',
  'dry-run',
  'undo',
  'quiet',
  'verbose',
  'help',
  'version',
] as const;

export const chFromhost: CommandDescription<ChFromhostOption> = {
  name: 'ch-fromhost',
  summary: 'inject files from the host into an image, with various magic',
  description: [
    'Copies files of this machine into the image IMAGE, which is a directory or a squashfs file: GPU libraries, MPI, fabric. Afterwards the image fits this machine and others like it only.',
    'A file whose path contains /bin or /sbin goes to /usr/bin; one whose path contains /lib or ends in .so to the first directory that ldconfig in the image names; any other to the directory of --dest. Links are followed. After libraries, ldconfig is run in the image.',
    'The injection is made whole or not at all: an error leaves the image as it was. --undo takes the last one back.',
  ],
  usage: ['[OPTION ...] [FILE_OPTION ...] IMAGE'],
  operands: [{ name: 'IMAGE', help: 'image directory or squashfs file', completion: 'image-or-file' }],
  options: [
    {
      long: 'cmd',
      short: 'c',
      argument: 'required',
      argumentName: 'CMD',
      group: which,
      help: 'listed in the standard output of CMD',
    },
    {
      long: 'file',
      short: 'f',
      argument: 'required',
      argumentName: 'FILE',
      group: which,
      help: 'listed in the file FILE',
      completion: 'file',
    },
    {
      long: 'path',
      short: 'p',
      argument: 'required',
      argumentName: 'PATH',
      group: which,
      help: 'the file at PATH',
      completion: 'file',
    },
    { long: 'cray-mpi', argument: 'none', group: which, help: "Cray's MPI in place of the image's MPICH or Open MPI" },
    { long: 'cray-cxi', argument: 'none', group: which, help: 'the libfabric.so that CH_FROMHOST_OFI_CXI names' },
    { long: 'cray-gni', argument: 'none', group: which, help: 'the libgnix-fi.so that CH_FROMHOST_OFI_GNI names' },
    {
      long: 'nvidia',
      argument: 'none',
      group: which,
      help: "what CDI's specifications mount, else what nvidia-container-cli lists, else the driver's own files",
    },
    {
      long: 'dest',
      short: 'd',
      argument: 'required',
      argumentName: 'DST',
      group: where,
      help: 'put the files that are named after this into the directory DST of the image',
    },
    { long: 'lib-path', argument: 'none', help: 'print where shared libraries go; same as --print-lib' },
    { long: 'print-lib', argument: 'none', help: 'print where shared libraries go' },
    { long: 'print-fi', argument: 'none', help: "print where libfabric's providers go" },
    { long: 'print-cray-fi', argument: 'none', help: 'print where a libfabric.so goes' },
    { long: 'no-ldconfig', argument: 'none', help: "don't run ldconfig even if shared libraries were injected" },
    { long: 'dry-run', short: 'n', argument: 'none', help: 'say what would be done, and do nothing' },
    { long: 'undo', argument: 'none', help: 'take back the last injection' },
    { long: 'quiet', short: 'q', argument: 'none', help: 'say errors only' },
    { long: 'verbose', short: 'v', argument: 'none', help: 'say more' },
    { long: 'help', short: 'h', argument: 'none', help: 'print help and exit' },
    { long: 'version', argument: 'none', help: 'print version and exit' },
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Exit status', items: [{ term: '1', help: 'nothing was injected' }] }],
  examples: [
    { command: 'ch-fromhost --nvidia /var/tmp/image', help: 'Inject the driver of this machine' },
    {
      command: 'ch-fromhost --path /usr/lib64/libfoo.so --dest /etc --path /etc/foo image.sqfs',
      help: 'A library and a file',
    },
    { command: 'ch-fromhost --undo /var/tmp/image', help: 'Take the last injection back' },
  ],
};
