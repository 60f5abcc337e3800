// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';

const central = {
  long: 'centralized-repository',
  argument: 'none',
  help: "use the site's repository instead of one's own",
} as const;
const temporary = {
  long: 'temp-dir',
  argument: 'required',
  argumentName: 'DIRECTORY',
  help: 'where files may be put meanwhile; nothing is put there any more, since images are made as they are downloaded',
  completion: 'directory',
} as const;
const image = { name: 'REPOSITORY[:TAG][@DIGEST]', help: "the image's name" } as const;
const common = { rules: { mode: 'stop-at-operand' }, examples: [], description: [] as readonly string[] } as const;

export const pull: CommandDescription<
  'centralized-repository' | 'temp-dir' | 'login' | 'password-stdin' | 'username' | 'containers-storage'
> = {
  ...common,
  name: 'sarus pull',
  summary: 'pull an image from a registry',
  operands: [image],
  options: [
    central,
    temporary,
    { long: 'login', argument: 'none', help: 'ask for a user name and a password' },
    { long: 'password-stdin', argument: 'none', help: 'read the password from standard input' },
    { long: 'username', short: 'u', argument: 'required', argumentName: 'USER', help: 'the user name in the registry' },
    { long: 'containers-storage', argument: 'none', help: 'not available', hidden: true },
  ],
  examples: [
    { command: 'sarus pull debian:12', help: 'Bring an image into your repository' },
    { command: 'sarus pull --login registry.example.org/team/app:1', help: 'From a registry that asks who you are' },
  ],
};

export const load: CommandDescription<'centralized-repository' | 'temp-dir' | 'source-format'> = {
  ...common,
  name: 'sarus load',
  summary: 'load an image from an archive',
  operands: [
    {
      name: 'FILE',
      help: 'an archive as `docker save` and `podman save` write it, or an OCI layout',
      completion: 'file',
    },
    { name: 'REPOSITORY[:TAG]', help: 'the name to be given to it' },
  ],
  options: [
    central,
    temporary,
    {
      long: 'source-format',
      argument: 'required',
      argumentName: 'FORMAT',
      help: 'told by the file itself',
      hidden: true,
    },
  ],
  examples: [{ command: 'sarus load app.tar app:1', help: 'Load what docker save wrote' }],
};

export const images: CommandDescription<'centralized-repository' | 'digests'> = {
  ...common,
  name: 'sarus images',
  summary: 'list the images of the repository',
  operands: [],
  options: [central, { long: 'digests', argument: 'none', help: 'show the digests of the images' }],
  examples: [{ command: 'sarus images --digests', help: 'List what is there, by digest too' }],
};

export const rmi: CommandDescription<'centralized-repository'> = {
  ...common,
  name: 'sarus rmi',
  summary: 'remove an image from the repository',
  operands: [image],
  options: [central],
  examples: [{ command: 'sarus rmi debian:12', help: 'Remove an image' }],
};

export const hooks: CommandDescription<'mpi'> = {
  ...common,
  name: 'sarus hooks',
  summary: 'list the hooks that the site has configured',
  operands: [],
  options: [
    { long: 'mpi', short: 'm', argument: 'none', help: "only those that bring the host's MPI, with their types" },
  ],
  examples: [{ command: 'sarus hooks --mpi', help: "See which types of the host's MPI there are" }],
};

export const sshKeygen: CommandDescription<'overwrite'> = {
  ...common,
  name: 'sarus ssh-keygen',
  summary: 'make the keys for ssh between containers',
  operands: [],
  options: [{ long: 'overwrite', argument: 'none', help: 'make new ones also where there are keys' }],
  examples: [{ command: 'sarus ssh-keygen', help: 'Make keys, once, for runs with --ssh' }],
};

export const explain: CommandDescription<never> = {
  ...common,
  name: 'sarus explain',
  summary: 'say what a run would do, and which file and line asked for it',
  usage: ['run [OPTIONS] REPOSITORY[:TAG][@DIGEST] [COMMAND] [ARG...]'],
  operands: [{ name: 'run', help: 'the command to explain, with its words', isRepeated: true }],
  options: [],
  examples: [
    {
      command: 'sarus explain run --mpi debian:12 ./program',
      help: 'See what a run would mount, and who asked for it',
    },
  ],
};

export const version: CommandDescription<never> = {
  ...common,
  name: 'sarus version',
  summary: 'say which version this is',
  operands: [],
  options: [],
};

export const help: CommandDescription<never> = {
  ...common,
  name: 'sarus help',
  summary: 'explain a command',
  operands: [{ name: 'COMMAND', help: 'which', isOptional: true }],
  options: [],
  examples: [{ command: 'sarus help run', help: 'Read about one command' }],
};
