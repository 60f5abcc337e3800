// SPDX-License-Identifier: Apache-2.0
// What `ch-run` accepts: the options of every release from 0.9 on that a script may still use.
import type { CommandDescription } from '../../../formats/getopt/index.ts';

const options = [
  {
    long: 'bind',
    short: 'b',
    argument: 'required',
    argumentName: 'SRC[:DST]',
    help: 'mount SRC at guest DST (default: same as SRC); a missing DST is made where the image is writable',
    completion: 'file',
  },
  {
    long: 'cd',
    short: 'c',
    argument: 'required',
    argumentName: 'DIR',
    help: 'initial working directory in container (default: /)',
  },
  {
    long: 'cdi-dirs',
    argument: 'required',
    argumentName: 'PATHS',
    help: 'directories of CDI specifications, separated by colons (default: $CH_RUN_CDI_DIRS, else /etc/cdi:/var/run/cdi)',
    completion: 'directory',
  },
  { long: 'ch-ssh', argument: 'none', help: 'bind ch-ssh into image at /usr/bin/ch-ssh' },
  {
    long: 'device',
    argument: 'required',
    argumentName: 'DEV',
    help: 'inject the CDI device DEV: VENDOR/CLASS=NAME, or VENDOR/CLASS for all of a kind, or the path of a specification (implies --write-fake; may be repeated)',
    completion: 'file',
  },
  {
    long: 'devices',
    short: 'd',
    argument: 'none',
    help: 'inject all CDI devices for which there is a specification (implies --write-fake)',
  },
  { long: 'env-no-expand', argument: 'none', help: "don't expand $ in --set-env and --set-env0 input" },
  {
    long: 'feature',
    argument: 'required',
    argumentName: 'FEAT',
    help: 'exit successfully if FEAT is enabled',
    completion: ['extglob', 'overlayfs', 'seccomp', 'squash', 'tmpfs-xattrs'],
  },
  { long: 'gid', short: 'g', argument: 'required', argumentName: 'GID', help: 'run as GID within container' },
  { long: 'home', argument: 'none', help: 'mount host $HOME at guest /home/$USER, and set HOME so' },
  { long: 'join', short: 'j', argument: 'none', help: 'use same container as peer ch-run' },
  {
    long: 'join-pid',
    argument: 'required',
    argumentName: 'PID',
    help: 'join the container of the process PID',
  },
  {
    long: 'join-ct',
    argument: 'required',
    argumentName: 'N',
    help: 'number of join peers (implies --join; default: from the environment of mpirun or Slurm)',
  },
  {
    long: 'join-tag',
    argument: 'required',
    argumentName: 'TAG',
    help: 'label for peer group (implies --join; default: the Slurm step, else the parent process)',
  },
  {
    long: 'mount',
    short: 'm',
    argument: 'required',
    argumentName: 'DIR',
    help: 'SquashFS mount point, which must exist; it is used in messages only',
    completion: 'directory',
  },
  { long: 'no-home', argument: 'none', help: '(deprecated: it is the default)' },
  { long: 'no-passwd', argument: 'none', help: "don't bind-mount /etc/{passwd,group}" },
  { long: 'private-tmp', short: 't', argument: 'none', help: 'use container-private /tmp' },
  {
    long: 'quiet',
    short: 'q',
    argument: 'none',
    help: "drop the command's output; twice: no warnings; thrice: drop its errors, too",
  },
  { long: 'seccomp', argument: 'none', help: 'fake success for some syscalls that only root may make' },
  {
    long: 'set-env',
    argument: 'optional',
    argumentName: 'ARG',
    help: 'set environment variables per ARG: NAME=VALUE, a file of such lines, or without it /ch/environment in the image',
    completion: 'file',
  },
  {
    long: 'set-env0',
    argument: 'optional',
    argumentName: 'ARG',
    help: 'the same with records that end in a NUL byte',
    completion: 'file',
  },
  {
    long: 'storage',
    short: 's',
    argument: 'required',
    argumentName: 'DIR',
    help: 'set DIR as storage directory (default: $CH_IMAGE_STORAGE, else /var/tmp/$USER.ch)',
    completion: 'directory',
  },
  { long: 'test', argument: 'required', argumentName: 'TEST', help: 'do test TEST: log or log-fail', hidden: true },
  { long: 'uid', short: 'u', argument: 'required', argumentName: 'UID', help: 'run as UID within container' },
  { long: 'unsafe', argument: 'none', help: 'do unsafe things (internal use only)', hidden: true },
  {
    long: 'unset-env',
    argument: 'required',
    argumentName: 'GLOB',
    help: 'unset the environment variables that match GLOB, which may hold @(a|b), !(a), ?(a), *(a) and +(a)',
  },
  { long: 'verbose', short: 'v', argument: 'none', help: 'be more verbose (can be repeated)' },
  { long: 'warnings', argument: 'required', argumentName: 'NUM', help: 'log NUM warnings and exit', hidden: true },
  { long: 'write', short: 'w', argument: 'none', help: 'mount image read-write' },
  {
    long: 'write-fake',
    short: 'W',
    argument: 'optional',
    argumentName: 'SIZE',
    help: 'overlay of memory over the image, of SIZE (default: 12% of memory): writes work, and are gone at the end',
  },
  { long: 'help', short: '?', argument: 'none', help: 'give this help list' },
  { long: 'usage', argument: 'none', help: 'give a short usage message' },
  { long: 'version', short: 'V', argument: 'none', help: 'print version and exit' },
] as const;

export const chRunOptions: typeof options = options;

export const chRun: CommandDescription<(typeof options)[number]['long']> = {
  name: 'ch-run',
  summary: 'run a command in a Charliecloud container',
  description: [
    'Runs COMMAND in the container image IMAGE: the name of an image in the storage directory, an unpacked directory, or a squashfs file. No privilege is needed, and none is gained.',
    'Options are recognised anywhere before `--`, also among the words of COMMAND where there is no `--`.',
  ],
  usage: ['[OPTION...] IMAGE -- COMMAND [ARG...]'],
  operands: [
    {
      name: 'IMAGE',
      help: 'name in the storage directory, directory, or squashfs file',
      completion: 'image-or-file',
    },
    { name: 'COMMAND', help: 'program to run in the container, and its arguments', isRepeated: true },
  ],
  options,
  rules: { mode: 'permute', leadingOperands: 1 },
  sections: [
    {
      title: 'Environment variables',
      items: [
        { term: 'CH_RUN_CDI_DIRS', help: 'directories of CDI specifications, unless --cdi-dirs names some' },
        { term: 'CH_IMAGE_STORAGE', help: 'the storage directory, unless --storage names one' },
        { term: 'TMPDIR', help: 'what the container shows as /tmp, instead of the /tmp of this machine' },
        { term: 'USER', help: 'must be set' },
      ],
    },
    {
      title: 'Exit status',
      items: [
        { term: '1', help: "ch-run failed; otherwise the status is the command's own" },
        { term: '64', help: 'the command line could not be understood' },
      ],
    },
  ],
  examples: [
    { command: 'ch-run /data/foo -- echo hello', help: 'Run a program in an unpacked image' },
    { command: 'ch-run -b /scratch/me:/mnt/0 image.sqfs -- ls /mnt/0', help: 'Show a directory of this machine' },
    {
      command: 'mpirun -np 4 ch-run --join image.sqfs -- ./app',
      help: 'Share one container among the ranks of a node',
    },
  ],
};
