// SPDX-License-Identifier: Apache-2.0
// What `shifter` accepts.
import type { CommandDescription } from '../../formats/getopt/index.ts';

const options = [
  {
    long: 'image',
    short: 'i',
    argument: 'required',
    argumentName: '[TYPE:]IMAGE',
    help: 'the image to run in; TYPE is docker, custom, id or local',
  },
  {
    long: 'volume',
    short: 'V',
    argument: 'required',
    argumentName: 'FROM:TO[:FLAG...]',
    help: 'show directory FROM of the container at TO as well; FLAG is ro or perNodeCache=size=N. Several, joined by ;',
  },
  {
    long: 'entrypoint',
    aliases: ['entry'],
    argument: 'optional',
    argumentName: 'PROGRAM',
    help: "run the image's entry point, or PROGRAM, with the given words",
  },
  {
    long: 'workdir',
    short: 'w',
    argument: 'optional',
    argumentName: 'DIR',
    help: "start in the image's working directory, or in DIR, instead of the current directory",
    completion: 'directory',
  },
  { long: 'env', short: 'e', argument: 'required', argumentName: 'NAME=VALUE', help: 'set a variable' },
  {
    long: 'env-file',
    argument: 'required',
    argumentName: 'FILE',
    help: 'set the variables of FILE in the container, a line each',
    completion: 'file',
  },
  { long: 'clearenv', short: 'E', argument: 'none', help: 'pass none of your variables on' },
  {
    long: 'module',
    short: 'm',
    argument: 'required',
    argumentName: 'NAME[,NAME...]',
    help: "the site's modules to use instead of its default ones; none for none",
  },
  {
    long: 'device',
    argument: 'required',
    argumentName: 'VENDOR/CLASS=NAME',
    help: 'what a specification of the Container Device Interface says for this device; may be repeated',
  },
  { long: 'verbose', short: 'v', argument: 'none', help: 'say which image, modules and volumes are used' },
  { long: 'help', short: 'h', argument: 'none', help: 'show this text' },
  { short: 'n', argument: 'none', help: 'does nothing', hidden: true },
] as const;

export const shifterOptions: typeof options = options;

export const shifter: CommandDescription<
  | 'image'
  | 'volume'
  | 'entrypoint'
  | 'workdir'
  | 'env'
  | 'env-file'
  | 'clearenv'
  | 'module'
  | 'device'
  | 'verbose'
  | 'help'
  | 'n'
> = {
  name: 'shifter',
  summary: 'run a program in a container of the site',
  description: [
    'Runs COMMAND in the image, with the file systems, users and modules that the site lays down in udiRoot.conf. Without COMMAND it is /bin/sh. Where a job has a container that was prepared for it, and the same is asked for, that one is entered.',
    'The image is that of --image, else of SHIFTER, else of SHIFTER_IMAGETYPE and SHIFTER_IMAGE, which the batch system sets for a job that asks for an image.',
  ],
  usage: ['[OPTION...] [COMMAND [ARG...]]'],
  operands: [
    { name: 'COMMAND', help: 'the program, looked up in the PATH of the container', isOptional: true },
    { name: 'ARG', help: 'its words', isOptional: true, isRepeated: true },
  ],
  options,
  rules: { mode: 'stop-at-operand' },
  examples: [
    { command: 'shifter --image=docker:debian:12 cat /etc/os-release', help: 'Run a program in an image' },
    {
      command: 'shifter --image=debian:12 --volume=/global/cscratch:/data:ro ls /data',
      help: 'Show a directory elsewhere',
    },
    { command: 'srun -n 128 shifter ./app', help: 'In a job that was submitted with --image' },
  ],
  sections: [
    {
      title: 'Environment variables',
      items: [
        { term: 'SHIFTER', help: 'TYPE:IMAGE' },
        {
          term: 'SHIFTER_IMAGETYPE, SHIFTER_IMAGE',
          help: "both are needed; where one is missing, the batch system's SLURM_SPANK_SHIFTER_IMAGETYPE or SLURM_SPANK_SHIFTER_IMAGE stands in",
        },
        { term: 'SHIFTER_IMAGEREQUEST', help: 'an image as for --image, where nothing else names one' },
        { term: 'SHIFTER_VOLUME, SHIFTER_MODULE', help: 'as --volume and --module, which replace them' },
        {
          term: 'SLIPWAY_UDIROOT_CONF',
          help: "the site's configuration, if it is not /etc/shifter/udiRoot.conf; it must be root's",
        },
      ],
    },
    {
      title: 'Exit status',
      items: [
        { term: '1', help: 'shifter itself failed' },
        { term: '127', help: 'the command could not be started' },
        { term: 'other', help: "the command's own" },
      ],
    },
  ],
};
