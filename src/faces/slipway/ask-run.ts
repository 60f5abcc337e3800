// SPDX-License-Identifier: Apache-2.0
// From the words after `slipway run` to a RunRequest.
import { describeGetoptError, parseArguments } from '../../formats/getopt/index.ts';
import {
  type Adaptation,
  type EnvironmentEdit,
  type Isolation,
  type Joining,
  noIsolation,
  type RunRequest,
  SlipwayError,
  type Writable,
} from '../../model/index.ts';
import type { AskedRun } from '../../launch/index.ts';
import { type CdiName, parseCdiName } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { parseEnvironmentFile, parseVariable, type Variable } from './environment-file.ts';
import {
  parseCapabilities,
  parseDescriptors,
  parseLimit,
  parsePrivate,
  parseUmask,
  type PrivateThing,
} from './isolation-options.ts';
import { type MountResult, parseDevice, parseMount, parseVolume } from './mount-options.ts';
import { run, runOptions } from './descriptions/run.ts';
import { parseSize } from './sizes.ts';

const defaultWritableBytes = 2 ** 30;
const joiningWords = new Map([
  ['ranks', 'ranks'],
  ['never', 'nobody'],
  ['always', 'all'],
] as const) as ReadonlyMap<string, 'ranks' | 'nobody' | 'all'>;
/** What --clear-env leaves: who and where one is. */
const keptByClearing = ['HOME', 'USER', 'LOGNAME', 'TERM'] as const;

/** Directories of hook files, and what their conditions go by. */
export type AskedHooks = {
  readonly directories: readonly string[];
  readonly annotations: ReadonlyMap<string, string>;
  readonly command: readonly string[];
};

/** A command line, with the devices that specifications of the machine describe, and hooks. */
export type AskedSlipwayRun = AskedRun<RunRequest> & {
  readonly devices: readonly CdiName[];
  /** Where any were asked for. */
  readonly hooks?: AskedHooks;
};

/** Words that come before the options: `slipway run`. */
const verbs = 2;

/** Whether the words ask for help, wherever else they go wrong. */
export function isRunHelpWanted(words: readonly string[]): boolean {
  return parseArguments(runOptions, words.slice(verbs), run.rules).options.some(({ name }) => name === 'help');
}

/**
 * Reads a command line: `words` are argv, `slipway run` first.
 * @throws SlipwayError `usage`, `environment-file-malformed`
 */
export function askRun(words: readonly string[], inputs: Inputs): AskedSlipwayRun {
  const parsed = parseArguments(runOptions, words.slice(verbs), run.rules);
  if (!parsed.ok) return usage(describeGetoptError(parsed.error));
  const isImageLeftOut = parsed.operands.length === 0 || parsed.endedBy === 'separator';
  const jobImage = isImageLeftOut ? imageOfJob(inputs) : undefined;
  const [image, ...command] = jobImage === undefined ? parsed.operands : [jobImage, ...parsed.operands];
  if (image === undefined || image === '') return usage('no image was named');

  const adaptations: Adaptation[] = [];
  const devices: CdiName[] = [];
  const directories: string[] = [];
  const annotations = new Map<string, string>();
  const kept: string[] = [];
  let isCleared = false;
  const ask: { workdir?: string; entrypoint?: readonly string[]; uid?: number; gid?: number } = {};
  let writable: Writable = { kind: 'none' };
  let home = true;
  let joining: Joining = { kind: 'ranks' };
  let isolation: Isolation = noIsolation;

  const addMount = (origin: string, result: MountResult): void => {
    if (!result.ok) return usage(`${origin}: ${result.reason}`);
    adaptations.push({ origin, mounts: [result.mount], environment: [] });
  };
  const addVariables = (origin: string, variables: readonly Variable[]): void => {
    const environment = variables.flatMap(({ name, value }): EnvironmentEdit[] => {
      if (value !== undefined) return [{ edit: 'set', name, value }];
      kept.push(name);
      return [];
    });
    adaptations.push({ origin, mounts: [], environment });
  };

  for (const { name, value: given } of parsed.options) {
    const value = given ?? '';
    switch (name) {
      case 'env':
        addVariables(`--env ${value}`, [
          parseVariable(value) ?? usage(`--env: "${value}" is neither NAME=VALUE nor NAME`),
        ]);
        break;
      case 'env-file': {
        const path = inputs.absolute(value);
        const text = inputs.readText(path) ?? usage(`--env-file: ${value}: no such file`);
        addVariables(`--env-file ${value}`, parseEnvironmentFile(text, path));
        break;
      }
      case 'unset-env':
        adaptations.push({ origin: `--unset-env ${value}`, mounts: [], environment: [{ edit: 'unset', glob: value }] });
        break;
      case 'clear-env':
        isCleared = true;
        break;
      case 'volume':
        addMount(`--volume ${value}`, parseVolume(value, inputs.absolute));
        break;
      case 'mount':
        addMount(`--mount ${value}`, parseMount(value, inputs.absolute));
        break;
      case 'device': {
        const device = parseCdiName(value);
        if (device === undefined) addMount(`--device ${value}`, parseDevice(value, inputs.absolute));
        else devices.push(device);
        break;
      }
      case 'hooks-dir':
        directories.push(value);
        break;
      case 'annotation': {
        const equals = value.indexOf('=');
        if (equals < 1) return usage(`--annotation: "${value}" is not KEY=VALUE`);
        annotations.set(value.slice(0, equals), value.slice(equals + 1));
        break;
      }
      case 'no-home':
        home = false;
        break;
      case 'writable':
        writable = parseWritable(given, inputs) ?? usage(`--writable: "${value}" is neither a size nor a directory`);
        break;
      case 'workdir':
        if (!value.startsWith('/')) return usage(`--workdir: "${value}" is no absolute path`);
        ask.workdir = value;
        break;
      case 'entrypoint':
        ask.entrypoint = value === '' ? [] : [value];
        break;
      case 'uid':
      case 'gid':
        ask[name] = idOf(name, value);
        break;
      case 'private':
      case 'private-tmp':
      case 'fake-root':
      case 'capabilities':
      case 'limit':
      case 'umask':
      case 'close-fds':
        isolation = isolatedBy(isolation, name, given);
        break;
      case 'join':
      case 'join-tag':
      case 'join-pid':
        joining = joiningOf(name, value);
        break;
      case 'help':
        break;
      default:
        name satisfies never;
    }
  }
  const clearing: readonly Adaptation[] = isCleared
    ? [{ origin: '--clear-env', mounts: [], environment: [{ edit: 'clear', keep: [...keptByClearing, ...kept] }] }]
    : [];
  const hasCommand = command.length > 0;
  return {
    image,
    devices,
    ...(directories.length + annotations.size === 0 ? {} : { hooks: { directories, annotations, command } }),
    request: { adaptations: [...clearing, ...adaptations], writable, hasCommand, home, joining, isolation, ...ask },
    covers: {
      words: words.slice(0, jobImage === undefined ? verbs + parsed.consumed : words.length - command.length),
      isExact: !hasCommand,
    },
  };
}

/**
 * What Slurm's plugin made of `--image` when the job was submitted. Slurm hands it to programs under its own name too,
 * where a job's environment does not come from its submitter (--export=NONE).
 */
function imageOfJob(inputs: Inputs): string | undefined {
  return inputs.environment('SLIPWAY_JOB_IMAGE') ?? inputs.environment('SLURM_SPANK_SLIPWAY_JOB_IMAGE');
}

function usage(reason: string): never {
  throw new SlipwayError('usage', { command: run.name, reason });
}

function idOf(name: 'uid' | 'gid', text: string): number {
  const isId = /^[0-9]{1,10}$/.test(text) && Number(text) < 0xffff_ffff;
  return isId ? Number(text) : usage(`--${name}: "${text}" is no id`);
}

type IsolationOption = 'private' | 'private-tmp' | 'fake-root' | 'capabilities' | 'limit' | 'umask' | 'close-fds';

/** What sets the container apart, with one more option. */
function isolatedBy(isolation: Isolation, name: IsolationOption, given: string | undefined): Isolation {
  const value = given ?? '';
  switch (name) {
    case 'private':
      return withPrivate(
        isolation,
        parsePrivate(value) ?? usage(`--private: "${value}" is not of tmp,pid,ipc,uts,net`),
      );
    case 'private-tmp':
      return withPrivate(isolation, ['tmp']);
    case 'fake-root':
      return { ...isolation, fakesRoot: true };
    case 'capabilities': {
      const capabilities = parseCapabilities(value) ?? usage(`--capabilities: "${value}" has an unknown name`);
      return { ...isolation, capabilities };
    }
    case 'limit': {
      const limit = parseLimit(value) ?? usage(`--limit: "${value}" is not RESOURCE=SOFT[:HARD]`);
      return { ...isolation, limits: [...isolation.limits, limit] };
    }
    case 'umask':
      return { ...isolation, umask: parseUmask(value) ?? usage(`--umask: "${value}" is no octal number`) };
    case 'close-fds': {
      const descriptors = parseDescriptors(given) ?? usage(`--close-fds: "${value}" is no list of numbers`);
      return { ...isolation, descriptors };
    }
  }
}

function joiningOf(name: 'join' | 'join-tag' | 'join-pid', value: string): Joining {
  switch (name) {
    case 'join':
      return { kind: joiningWords.get(value) ?? usage(`--join: "${value}" is none of ranks, never, always`) };
    case 'join-tag':
      return value === '' ? usage('--join-tag: the tag is empty') : { kind: 'tag', tag: value };
    case 'join-pid':
      return { kind: 'process', pid: parsePid(value) ?? usage(`--join-pid: "${value}" is no process id`) };
  }
}

function withPrivate(isolation: Isolation, things: readonly PrivateThing[]): Isolation {
  const added = things.filter((thing) => thing !== 'tmp');
  return {
    ...isolation,
    namespaces: [...new Set([...isolation.namespaces, ...added])],
    privateTmp: isolation.privateTmp || things.includes('tmp'),
  };
}

/** A number that pid_t holds. */
function parsePid(text: string): number | undefined {
  const pid = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  return pid >= 1 && pid < 2 ** 31 ? pid : undefined;
}

/** `-w`, `-w512M`, `-w./DIR`: a size is a number with a unit; anything else that exists as a directory is one. */
function parseWritable(given: string | undefined, inputs: Inputs): Writable | undefined {
  if (given === undefined) return { kind: 'tmpfs', sizeBytes: defaultWritableBytes };
  const sizeBytes = parseSize(given);
  if (sizeBytes !== undefined) return sizeBytes > 0 ? { kind: 'tmpfs', sizeBytes } : undefined;
  const path = inputs.absolute(given);
  return inputs.kindOf(path) === 'directory' ? { kind: 'directory', path } : undefined;
}
