// SPDX-License-Identifier: Apache-2.0
// What `slipway run` and `slipway explain run` accept.
import type { CommandDescription } from '../../../formats/getopt/index.ts';

const options = [
  {
    long: 'env',
    short: 'e',
    argument: 'required',
    argumentName: 'NAME=VALUE',
    group: 'Environment',
    help: 'set a variable; NAME alone, or a glob such as SLURM_*, keeps yours where --clear-env drops it',
  },
  {
    long: 'env-file',
    argument: 'required',
    argumentName: 'FILE',
    group: 'Environment',
    help: 'the same for each line of FILE; # begins a comment',
    completion: 'file',
  },
  {
    long: 'unset-env',
    argument: 'required',
    argumentName: 'GLOB',
    group: 'Environment',
    help: 'unset all variables that match, whoever set them',
  },
  {
    long: 'clear-env',
    argument: 'none',
    group: 'Environment',
    help: 'begin with HOME, USER, LOGNAME and TERM only, instead of all of your variables',
  },
  {
    long: 'volume',
    short: 'v',
    argument: 'required',
    argumentName: 'SRC[:DST[:ro]]',
    group: 'Files',
    help: 'show the file or directory SRC of this machine at DST (the same path unless given)',
  },
  {
    long: 'mount',
    argument: 'required',
    argumentName: 'SPEC',
    group: 'Files',
    help: 'the same in words: type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,size=SIZE][,mode=MODE]',
  },
  {
    long: 'device',
    argument: 'required',
    argumentName: 'DEVICE',
    group: 'Files',
    help: 'give a device by its name in a specification of /etc/cdi (vendor.com/class=name), or by its path: SRC[:DST]',
  },
  {
    long: 'no-home',
    argument: 'none',
    group: 'Files',
    help: 'leave your home directory out',
  },
  {
    long: 'writable',
    short: 'w',
    argument: 'optional',
    argumentName: 'SIZE|DIR',
    group: 'Files',
    help: 'allow writes to the root: to memory, at most SIZE (1G unless given), gone with the program; or to DIR, kept there',
    completion: 'directory',
  },
  {
    long: 'workdir',
    short: 'C',
    argument: 'required',
    argumentName: 'DIR',
    group: 'Program',
    help: "start in DIR of the container (otherwise the image's own, else yours where the container shows it)",
  },
  {
    long: 'entrypoint',
    argument: 'required',
    argumentName: 'PROGRAM',
    group: 'Program',
    help: "put PROGRAM before the command instead of the image's entry point; '' for none",
  },
  {
    long: 'uid',
    argument: 'required',
    argumentName: 'UID',
    group: 'Program',
    help: 'be this user id inside; outside you stay who you are',
  },
  { long: 'gid', argument: 'required', argumentName: 'GID', group: 'Program', help: 'the same for the group id' },
  {
    long: 'private',
    argument: 'required',
    argumentName: 'WHAT,...',
    group: 'Isolation',
    help: 'have tmp (an empty /tmp), pid, ipc, uts or net of its own instead of those of the machine',
    completion: ['tmp', 'pid', 'ipc', 'uts', 'net'],
  },
  { long: 'private-tmp', short: 't', argument: 'none', group: 'Isolation', help: 'the same as --private=tmp' },
  {
    long: 'fake-root',
    argument: 'none',
    group: 'Isolation',
    help: 'be uid 0 inside, and have calls that only root may make (chown, mknod, setuid) seem to work',
  },
  {
    long: 'capabilities',
    argument: 'required',
    argumentName: 'NAME,...|none',
    group: 'Isolation',
    help: 'drop all capabilities but these (they reach no further than the container)',
  },
  {
    long: 'limit',
    argument: 'required',
    argumentName: 'RESOURCE=SOFT[:HARD]',
    group: 'Isolation',
    help: 'set a resource limit, e.g. nofile=4096 or stack=unlimited; names as in prlimit(1)',
  },
  { long: 'umask', argument: 'required', argumentName: 'MASK', group: 'Isolation', help: 'set the umask' },
  {
    long: 'close-fds',
    argument: 'optional',
    argumentName: 'KEEP,...',
    group: 'Isolation',
    help: 'close all open files but 0, 1, 2 and these; otherwise all stay open, for PMI and its like',
  },
  {
    long: 'join',
    argument: 'required',
    argumentName: 'WHEN',
    group: 'Sharing',
    help: 'share one container with other programs of the same plan on this node: ranks (the default: those of one job step, and all of one squashfs image), never, or always',
    completion: ['ranks', 'never', 'always'],
  },
  {
    long: 'join-tag',
    argument: 'required',
    argumentName: 'TAG',
    group: 'Sharing',
    help: 'share one container with all that give the same TAG; the first one makes it',
  },
  {
    long: 'join-pid',
    argument: 'required',
    argumentName: 'PID',
    group: 'Sharing',
    help: 'enter the container in which process PID is',
  },
  {
    long: 'hooks-dir',
    argument: 'required',
    argumentName: 'DIR',
    group: 'Hooks',
    help: 'obey the hook files in DIR, which are those of podman and CRI-O; of several directories the last counts for a name',
    completion: 'directory',
  },
  {
    long: 'annotation',
    argument: 'required',
    argumentName: 'KEY=VALUE',
    group: 'Hooks',
    help: 'an annotation of the container, by which hook files are chosen and which hooks are told',
  },
  { long: 'help', short: 'h', argument: 'none', group: 'Other', help: 'print this and end' },
] as const;

export const runOptions: typeof options = options;

export const run: CommandDescription = {
  name: 'slipway run',
  summary: 'run a program in an image',
  description: [
    'Runs COMMAND in IMAGE as yourself, without privilege: the program replaces this process, with its process id, ' +
      'its open files and its signals, and its exit status is the status you get.',
    'IMAGE is a name in the store (see slipway images), an unpacked directory (./DIR) or a squashfs file (./FILE). ' +
      'Without COMMAND, the one that the image names is run.',
    'Of this machine the program sees by default: /dev, /proc and /sys; /tmp; your home directory (--no-home leaves it ' +
      'out); /etc/resolv.conf and /etc/hosts; and you and your group in /etc/passwd and /etc/group. The network, ' +
      'processes and shared memory are those of the machine. All else comes from the image, which is read-only ' +
      '(--writable changes that).',
    'Your environment passes on, except LD_LIBRARY_PATH, LD_PRELOAD and LD_AUDIT; the variables of the image are set ' +
      'over it, and then those that you give, in order.',
  ],
  usage: ['[OPTION...] IMAGE [--] [COMMAND [ARG...]]'],
  operands: [
    { name: 'IMAGE', help: 'a name in the store, ./DIRECTORY or ./FILE.squashfs', completion: 'image-or-file' },
    { name: 'COMMAND', help: 'what to run, with its arguments', isOptional: true, completion: 'command' },
  ],
  options,
  rules: { mode: 'stop-at-operand', leadingOperands: 1, dropsSeparatorAfterOperands: true },
  examples: [
    { command: "slipway run debian:12 -- sh -c 'echo hello from $0'", help: 'a shell of the image' },
    {
      command: 'srun -n 128 slipway run sci/python:3.11 -- python3 model.py',
      help: 'one mount on each node for all ranks',
    },
    { command: 'slipway run -v /scratch/me:/data:ro ./rootfs -- ls /data', help: 'with a directory of the host' },
  ],
  sections: [
    {
      title: 'Exit status',
      items: [
        { term: '125', help: 'Slipway itself failed, and has said why' },
        { term: '126', help: 'COMMAND was found but could not be executed' },
        { term: '127', help: 'COMMAND was not found in the image' },
        { term: 'other', help: "COMMAND's own" },
      ],
    },
    {
      title: 'Environment variables',
      items: [
        { term: 'SLIPWAY_STORE', help: 'where images are kept, instead of $XDG_DATA_HOME/slipway' },
        {
          term: 'SLIPWAY_LINGER',
          help: 'for how many seconds a mounted image outlives its last program (5; 0; never: it stays)',
        },
        { term: 'SLIPWAY_TRACE', help: 'set to 1: say what the launcher does' },
      ],
    },
  ],
};

/** The same words, planned but not run. */
export const explain: CommandDescription = {
  name: 'slipway explain',
  summary: 'say what a run would do, and why',
  description: [
    'Plans `slipway run` with the same words, and prints the plan: each step with who asked for it, and what the plan ' +
      'depends on. Nothing is mounted or run. The same for the command lines of `sarus run`, `ch-run` and `shifter`.',
  ],
  usage: ['[--json] run [OPTION...] IMAGE [--] [COMMAND [ARG...]]', '[--json] ch-run|shifter|sarus WORD...'],
  operands: [
    { name: 'run', help: 'the command to explain' },
    { name: 'IMAGE', help: 'as for slipway run', completion: 'image-or-file' },
    { name: 'COMMAND', help: 'as for slipway run', isOptional: true, isRepeated: true },
  ],
  options: [
    { long: 'json', argument: 'none', help: 'print the plan as JSON' },
    { long: 'help', short: 'h', argument: 'none', help: 'print this and end' },
  ],
  rules: { mode: 'stop-at-operand', leadingOperands: 1 },
  examples: [
    { command: 'slipway explain run -v /scratch:/data debian:12 -- ls /data', help: 'which mounts, and why' },
    { command: 'slipway explain ch-run --device=nvidia.com/gpu=all image.sqfs -- true', help: 'of ch-run' },
  ],
};
