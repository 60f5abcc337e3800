// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption } from './common.ts';

export const inject: CommandDescription<
  'provider' | 'annotation' | 'hook' | 'ldconfig' | 'kind' | 'mpi' | 'output' | 'help'
> = {
  name: 'slipway inject',
  summary: 'write the hook file that brings a part of this machine into containers',
  description: [
    'Looks at this machine and writes the configuration of an OCI hook (schema 1.0.0), for the hooksDir of sarus.json, for podman --hooks-dir or for a bundle.',
    'slurm: the commands, plugins and configuration of Slurm, and the socket of MUNGE. libfabric: a provider, with what it needs. mpi and glibc: the libraries that replace those of an image. cdi FILE: turns the mounts and devices of a hook file into a specification of the Container Device Interface.',
    'prepare-mpi DIR: fills DIR with the libraries of MPI and all that they need, each finding the others where DIR is shown, and prints the lines of udiRoot.conf for a module that shows it.',
    "prepare-sshd DIR: fills DIR with this machine's OpenSSH and all that it needs, for jobs whose containers have an sshd, and prints the line of udiRoot.conf that shows it.",
  ],
  usage: [
    '[OPTION...] slurm',
    '[OPTION...] libfabric --provider=NAME',
    '[OPTION...] mpi',
    '[OPTION...] glibc',
    '[OPTION...] cdi FILE',
    '[OPTION...] prepare-mpi DIR',
    '[OPTION...] prepare-sshd DIR',
  ],
  operands: [
    {
      name: 'WHAT',
      help: 'slurm, libfabric, mpi, glibc, cdi, prepare-mpi or prepare-sshd',
      completion: ['slurm', 'libfabric', 'mpi', 'glibc', 'cdi', 'prepare-mpi', 'prepare-sshd'],
    },
    {
      name: 'FILE',
      help: 'the hook file that is to be turned into a CDI specification, or the directory to be filled',
      isOptional: true,
      completion: 'file',
    },
  ],
  options: [
    {
      long: 'provider',
      argument: 'required',
      argumentName: 'NAME',
      help: 'of libfabric: verbs, cxi …, or the path of its file',
    },
    {
      long: 'annotation',
      argument: 'required',
      argumentName: 'KEY[=VALUE]',
      help: 'the annotation by which a container asks for it, instead of the usual one; true unless a value is given; more than once, each for itself',
    },
    {
      long: 'hook',
      argument: 'required',
      argumentName: 'PATH',
      help: "the hook program; this installation's unless given",
      completion: 'file',
    },
    {
      long: 'ldconfig',
      argument: 'required',
      argumentName: 'PATH',
      help: 'the ldconfig that makes the libraries known; /sbin/ldconfig unless given',
      completion: 'file',
    },
    {
      long: 'kind',
      argument: 'required',
      argumentName: 'VENDOR/CLASS',
      help: 'of the CDI specification; slipway.local/NAME-OF-FILE unless given',
    },
    {
      long: 'mpi',
      argument: 'required',
      argumentName: 'FAMILY',
      help: 'mpich or openmpi, where this machine has both',
      completion: ['mpich', 'openmpi'],
    },
    {
      long: 'output',
      short: 'o',
      argument: 'required',
      argumentName: 'FILE',
      help: 'write to this file instead of standard output',
      completion: 'file',
    },
    helpOption,
  ],
  rules: { mode: 'permute' },
  examples: [
    { command: 'slipway inject slurm -o /opt/sarus/etc/hooks.d/50-slurm.json', help: 'Let containers use Slurm' },
    { command: 'slipway inject libfabric --provider=cxi', help: "Show the hook file for this machine's network" },
    {
      command: 'slipway inject cdi 50-slurm.json -o /etc/cdi/slurm.json',
      help: 'Offer the same to podman and docker as a device',
    },
  ],
};
