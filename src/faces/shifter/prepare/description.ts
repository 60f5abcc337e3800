// SPDX-License-Identifier: Apache-2.0
// What `setupRoot` and `unsetupRoot` accept: root's own commands, which the batch system runs around a job.
import type { CommandDescription } from '../../../formats/getopt/index.ts';

const setupOptions = [
  { long: 'uid', short: 'U', argument: 'required', argumentName: 'UID', help: "the job's user" },
  { long: 'gid', short: 'G', argument: 'required', argumentName: 'GID', help: "the user's group" },
  { long: 'user', short: 'u', argument: 'required', argumentName: 'NAME', help: "the user's name" },
  {
    long: 'ssh-key',
    short: 's',
    argument: 'required',
    argumentName: 'KEY',
    help: "start an sshd in the container, which lets this public key in; - reads the job's own secret from standard input",
  },
  {
    long: 'nodes',
    short: 'N',
    argument: 'required',
    argumentName: 'HOST/N ...',
    help: 'the hosts of /var/hostsfile, each N times',
  },
  {
    long: 'volume',
    short: 'v',
    argument: 'required',
    argumentName: 'FROM:TO[:FLAG...]',
    help: 'a volume that the tasks will ask for',
  },
  { long: 'modules', short: 'm', argument: 'required', argumentName: 'NAME[,NAME...]', help: 'modules of the site' },
  { long: 'verbose', short: 'V', argument: 'none', help: 'say what is prepared' },
  // By which setupRoot calls itself when the container is in its place.
  { long: 'serve', argument: 'none', help: 'start the sshd of the container that is prepared', hidden: true },
  {
    long: 'config',
    short: 'c',
    argument: 'required',
    argumentName: 'FILE',
    help: "the site's configuration, if it is not /etc/shifter/udiRoot.conf",
    completion: 'file',
  },
  { long: 'help', short: 'h', argument: 'none', help: 'show this text' },
] as const;

export const setupRootOptions: typeof setupOptions = setupOptions;

export const setupRoot: CommandDescription = {
  name: 'setupRoot',
  summary: "prepare a job's container on this node",
  description: [
    'Mounts the image and what the site adds at udiMount, once for all tasks of a job, whose shifter then enters it without privilege. Nothing is mounted before all is ready. With --ssh-key, the sshd of optUdiImage is then started in it as the user, on port 1204. Only root can.',
  ],
  operands: [
    { name: 'TYPE', help: 'id or local', completion: ['id', 'local'] },
    { name: 'IMAGE', help: "the image's identity, or a directory" },
  ],
  options: setupOptions,
  rules: { mode: 'stop-at-operand' },
  examples: [{ command: 'setupRoot -U 1000 -G 100 -u ann -N "n1/4 n2/4" id 3a12ad9e', help: 'In the prolog of a job' }],
};

const unsetupOptions = [
  {
    long: 'config',
    short: 'c',
    argument: 'required',
    argumentName: 'FILE',
    help: "the site's configuration, if it is not /etc/shifter/udiRoot.conf",
    completion: 'file',
  },
  { long: 'help', short: 'h', argument: 'none', help: 'show this text' },
] as const;

export const unsetupRootOptions: typeof unsetupOptions = unsetupOptions;

export const unsetupRoot: CommandDescription = {
  name: 'unsetupRoot',
  summary: "take a job's container away",
  description: [
    "Ends the container's sshd and all else that runs in it, and unmounts udiMount with all below it. Whether there is something or not, the exit status is 0; it is 1 where something stays.",
  ],
  operands: [],
  options: unsetupOptions,
  rules: { mode: 'permute' },
  examples: [{ command: 'unsetupRoot', help: 'In the epilog of a job' }],
};
