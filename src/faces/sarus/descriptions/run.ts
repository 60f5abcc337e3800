// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';

export type RunOption =
  | 'annotation'
  | 'centralized-repository'
  | 'device'
  | 'entrypoint'
  | 'env'
  | 'glibc'
  | 'init'
  | 'mount'
  | 'mpi'
  | 'mpi-type'
  | 'name'
  | 'pid'
  | 'ssh'
  | 'tty'
  | 'workdir';

const runOptions: CommandDescription<RunOption>['options'] = [
  {
    long: 'annotation',
    argument: 'required',
    argumentName: 'KEY=VALUE',
    help: 'add an OCI annotation, by which hooks are chosen; more than once',
  },
  {
    long: 'centralized-repository',
    argument: 'none',
    help: "take the image from the site's repository instead of one's own",
  },
  {
    long: 'device',
    argument: 'required',
    argumentName: 'DEVICE',
    help: 'show a device, HOST[:CONTAINER][:ACCESS], or devices of a CDI specification, VENDOR/CLASS=NAME',
  },
  {
    long: 'entrypoint',
    argument: 'required',
    argumentName: 'WORDS',
    help: "run this instead of the image's entry point, and without the image's words for that; empty: none",
  },
  {
    long: 'env',
    short: 'e',
    argument: 'required',
    argumentName: 'NAME[=VALUE]',
    help: 'set a variable, or take it as the host has it; more than once',
  },
  { long: 'glibc', argument: 'none', help: "replace the image's C library by the host's where that is newer" },
  { long: 'init', argument: 'none', help: 'run a small init as the first process' },
  {
    long: 'mount',
    argument: 'required',
    argumentName: 'MOUNT',
    help: 'type=bind,source=HOST,destination=CONTAINER and, if wanted, ,readonly; more than once',
    completion: 'file',
  },
  { long: 'mpi', short: 'm', argument: 'none', help: "replace the image's MPI by the host's" },
  {
    long: 'mpi-type',
    argument: 'required',
    argumentName: 'TYPE',
    help: "which of the host's; see `sarus hooks --mpi`",
  },
  { long: 'name', short: 'n', argument: 'required', argumentName: 'NAME', help: 'call the container this' },
  {
    long: 'pid',
    argument: 'required',
    argumentName: 'MODE',
    help: 'host or private: whose processes are to be seen',
    completion: ['host', 'private'],
  },
  { long: 'ssh', argument: 'none', help: "allow ssh between the containers of a job's nodes" },
  { long: 'tty', short: 't', argument: 'none', help: 'the program has a terminal: the one that sarus has' },
  {
    long: 'workdir',
    short: 'w',
    argument: 'required',
    argumentName: 'DIRECTORY',
    help: "start there, instead of in the image's own working directory",
  },
];

export const run: CommandDescription<RunOption> = {
  name: 'sarus run',
  summary: 'run a program in a container',
  description: [
    'Runs a program in an image of the repository. What the site adds to containers stands in sarus.json and in its hooks.',
  ],
  usage: ['[OPTIONS] REPOSITORY[:TAG][@DIGEST] [COMMAND] [ARG...]'],
  operands: [
    { name: 'IMAGE', help: 'the image, by the name it was pulled with' },
    { name: 'COMMAND', help: 'the program and its words', isOptional: true, isRepeated: true, completion: 'command' },
  ],
  options: runOptions,
  rules: { mode: 'stop-at-operand', leadingOperands: 1 },
  examples: [{ command: 'srun -n4 sarus run --mpi debian:11 ./program', help: "Run with the host's MPI" }],
};
