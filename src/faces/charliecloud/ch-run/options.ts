// SPDX-License-Identifier: Apache-2.0
// From the words of `ch-run` to what they ask for, in the order in which Charliecloud reads and checks them.
import { describeGetoptError, type GivenOption, parseArguments } from '../../../formats/getopt/index.ts';
import { type Plan, SlipwayError } from '../../../model/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { systemError } from '../../../sys/system-error.ts';
import type { Speaker } from '../messages.ts';
import { type Assignment, parseAssignments, readEnvironmentFile } from './assignments.ts';
import { absolutePaths, type CdiWish, isCdiKind, parseCdiName } from '../../../site/index.ts';
import { type BindOption, parseBind } from './bind-option.ts';
import { chRun, chRunOptions } from './description.ts';

/** Changes to the environment in the order in which they were asked for. */
export type EnvironmentOption =
  | { readonly kind: 'assign'; readonly assignments: readonly Assignment[]; readonly origin: string }
  /** From /ch/environment in the image. */
  | { readonly kind: 'assign-from-image'; readonly separator: string; readonly origin: string }
  | { readonly kind: 'unset'; readonly glob: string; readonly origin: string }
  /** What the devices that are wished for here bring. */
  | { readonly kind: 'devices'; readonly wish: CdiWish };

export type JoinOptions = {
  readonly isWanted: boolean;
  readonly count: number | undefined;
  readonly tag: string | undefined;
  readonly pid: number | undefined;
};

export type ChRunCommandLine = {
  readonly image: string;
  /** The command and its arguments. */
  readonly command: readonly string[];
  readonly covers: Plan['covers'];
  readonly user: string;
  readonly binds: readonly BindOption[];
  readonly environment: readonly EnvironmentOption[];
  readonly expandsVariables: boolean;
  /** Where CDI specifications are looked for. */
  readonly specificationPaths: readonly string[];
  readonly join: JoinOptions;
  readonly storage: string;
  readonly workdir: string | undefined;
  readonly mountPoint: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly hasHome: boolean;
  readonly hasPasswd: boolean;
  readonly hasPrivateTmp: boolean;
  readonly hasChSsh: boolean;
  readonly isUnsafe: boolean;
  readonly fakesRoot: boolean;
  readonly write: 'no' | 'in-place' | { readonly fakeSize: string };
  /** From -3, the most quiet, to 3. */
  readonly verbosity: number;
};

/** What ends without running anything. */
export type Ending = { readonly ending: 'help' | 'usage' | 'version' | 'no-arguments' | 'done' | 'refused' };

const features = ['extglob', 'overlayfs', 'seccomp', 'squash', 'tmpfs-xattrs'];
const fake = { fakeSize: '12%' } as const;

/**
 * Reads a command line: `words` are argv.
 * @throws SlipwayError `charliecloud-usage` for what getopt can't read, and the others of Charliecloud's options.
 */
export function readCommandLine(words: readonly string[], inputs: Inputs, speaker: Speaker): ChRunCommandLine | Ending {
  const user = inputs.environment('USER');
  if (user === undefined) throw new SlipwayError('charliecloud-user-unset', {});
  const parsed = parseArguments(chRunOptions, words.slice(1), chRun.rules);
  const state = initialState(inputs, user);
  speaker.heed(state.verbosity);
  for (const given of parsed.options) {
    const ending = applyOption(state, given, { inputs, speaker });
    if (ending !== undefined) return { ending };
  }
  if (!parsed.ok) throw new SlipwayError('charliecloud-usage', { reason: describeGetoptError(parsed.error) });
  const [image, ...command] = parsed.operands;
  if (parsed.operands.length === 0) return { ending: 'no-arguments' };
  if (image === undefined || command.length === 0) throw new SlipwayError('charliecloud-no-command', {});
  // Without a `--` before the command, a word of another command might be an option to ch-run.
  const isExact = !(parsed.consumed < words.length - 1 && words[parsed.consumed] === '--');
  return {
    ...state,
    // Room for mount points, and for who relies on an image that can be written to where devices are.
    write: state.write === 'no' && state.environment.some(({ kind }) => kind === 'devices') ? fake : state.write,
    image,
    command,
    covers: { words: isExact ? words : words.slice(0, parsed.consumed + 1), isExact },
    user,
    storage: inputs.absolute(state.storage),
  };
}

type State = {
  -readonly [Key in keyof Omit<ChRunCommandLine, 'image' | 'command' | 'covers' | 'user'>]: ChRunCommandLine[Key];
};

function initialState(inputs: Inputs, user: string): State {
  return {
    binds: [],
    environment: [],
    expandsVariables: true,
    specificationPaths: absolutePaths(inputs.environment('CH_RUN_CDI_DIRS') ?? ''),
    join: { isWanted: false, count: undefined, tag: undefined, pid: undefined },
    storage: inputs.environment('CH_IMAGE_STORAGE') ?? `/var/tmp/${user}.ch`,
    workdir: undefined,
    mountPoint: undefined,
    uid: undefined,
    gid: undefined,
    hasHome: false,
    hasPasswd: true,
    hasPrivateTmp: false,
    hasChSsh: false,
    isUnsafe: false,
    fakesRoot: false,
    write: 'no',
    verbosity: 0,
  };
}

type Context = { readonly inputs: Inputs; readonly speaker: Speaker };

function applyOption(
  state: State,
  given: GivenOption<(typeof chRunOptions)[number]['long']>,
  context: Context,
): Ending['ending'] | undefined {
  const { inputs, speaker } = context;
  const value = given.value ?? '';
  switch (given.name) {
    case 'help':
    case 'usage':
    case 'version':
      return given.name;
    case 'feature':
      if (!features.includes(value)) throw new SlipwayError('charliecloud-feature-unknown', { feature: value });
      return 'done';
    case 'test':
      return runTest(value, speaker);
    case 'warnings':
      for (let index = 1; index <= parseNumber('--warnings', value); index += 1) {
        speaker.warn(`this is warning ${index}!`);
      }
      return 'done';
    case 'bind':
      state.binds = [...state.binds, parseBind(value)];
      return undefined;
    case 'cd':
      state.workdir = value;
      return undefined;
    case 'cdi-dirs':
      state.specificationPaths = value
        .split(':')
        .filter((path) => path !== '')
        .map(inputs.absolute);
      return undefined;
    case 'device':
      state.environment = [...state.environment, { kind: 'devices', wish: parseDevice(value, inputs) }];
      return undefined;
    case 'devices':
      state.environment = [...state.environment, { kind: 'devices', wish: 'all' }];
      return undefined;
    case 'ch-ssh':
      state.hasChSsh = true;
      return undefined;
    case 'env-no-expand':
      state.expandsVariables = false;
      return undefined;
    case 'uid':
    case 'gid': {
      const id = parseNumber(`--${given.name}`, value);
      if (id < 0)
        throw new SlipwayError('charliecloud-option', { option: `--${given.name}`, reason: 'must be non-negative' });
      state[given.name] = id;
      return undefined;
    }
    case 'home':
      if (inputs.environment('HOME') === undefined) {
        throw new SlipwayError('charliecloud-home-unset', { variable: 'HOME' });
      }
      state.hasHome = true;
      return undefined;
    case 'no-home':
      speaker.warn('deprecated --no-home is now default; ignoring');
      return undefined;
    case 'join':
      state.join = { ...state.join, isWanted: true };
      return undefined;
    case 'join-ct':
      state.join = { ...state.join, isWanted: true, count: parseNumber('--join-ct', value) };
      return undefined;
    case 'join-tag':
      state.join = { ...state.join, isWanted: true, tag: value };
      return undefined;
    case 'join-pid':
      state.join = { ...state.join, pid: parseNumber('--join-pid', value) };
      return undefined;
    case 'mount':
      if (value === '') throw new SlipwayError('charliecloud-mount-point-empty', {});
      state.mountPoint = value;
      return undefined;
    case 'no-passwd':
      state.hasPasswd = false;
      return undefined;
    case 'private-tmp':
      state.hasPrivateTmp = true;
      return undefined;
    case 'seccomp':
      state.fakesRoot = true;
      return undefined;
    case 'set-env':
    case 'set-env0':
      state.environment = [...state.environment, assignment(given.name, given.value, inputs)];
      return undefined;
    case 'unset-env':
      if (value === '') {
        throw new SlipwayError('charliecloud-option', {
          option: '--unset-env',
          reason: 'GLOB must have non-zero length',
        });
      }
      state.environment = [...state.environment, { kind: 'unset', glob: value, origin: `--unset-env=${value}` }];
      return undefined;
    case 'storage':
      state.storage = value;
      if (inputs.kindOf(inputs.absolute(value)) === undefined) speaker.warn(`storage directory not found: ${value}`);
      return undefined;
    case 'unsafe':
      state.isUnsafe = true;
      return undefined;
    case 'quiet':
      changeVerbosity(state, -1, speaker);
      return undefined;
    case 'verbose':
      changeVerbosity(state, 1, speaker);
      return undefined;
    case 'write':
      state.write = 'in-place';
      return undefined;
    case 'write-fake':
      state.write = { fakeSize: given.value ?? fake.fakeSize };
      return undefined;
    default:
      throw new Error(`unknown option ${String(given.name satisfies never)}`);
  }
}

function assignment(option: 'set-env' | 'set-env0', value: string | undefined, inputs: Inputs): EnvironmentOption {
  const separator = option === 'set-env' ? '\n' : '\0';
  const origin = `--${option}${value === undefined ? '' : `=${value}`}`;
  if (value === undefined) return { kind: 'assign-from-image', separator, origin };
  if (value.includes('=')) return { kind: 'assign', assignments: parseAssignments([value], () => value), origin };
  return { kind: 'assign', assignments: readEnvironmentFile(value, separator, inputs), origin };
}

/** @throws SlipwayError `charliecloud-option`, `charliecloud-open` */
function parseDevice(text: string, inputs: Inputs): CdiWish {
  if (/^[./]/.test(text)) {
    const file = inputs.absolute(text);
    if (inputs.kindOf(file) !== 'file')
      throw new SlipwayError('charliecloud-open', { path: text }, { cause: systemError('ENOENT') });
    return { file };
  }
  const name = parseCdiName(text);
  if (name !== undefined) return { names: [name] };
  if (isCdiKind(text)) return { kind: text };
  throw new SlipwayError('charliecloud-option', {
    option: '--device',
    reason: `neither VENDOR/CLASS[=NAME] nor a path: ${text}`,
  });
}

/** What comes after it on the command line heeds it. */
function changeVerbosity(state: State, by: 1 | -1, speaker: Speaker): void {
  const now = state.verbosity;
  const [option, other] = by > 0 ? ['--verbose', '--quiet'] : ['--quiet', '--verbose'];
  if (now * by < 0)
    throw new SlipwayError('charliecloud-verbosity', { reason: `${option} incompatible with ${other}` });
  if (now * by === 3) {
    throw new SlipwayError('charliecloud-verbosity', { reason: `${option} can be specified at most thrice` });
  }
  state.verbosity = now + by;
  speaker.heed(state.verbosity);
}

/** An int as strtol(3) reads it, all of it. */
export function parseNumber(option: string, text: string): number {
  const refuse = (reason: string): never => {
    throw new SlipwayError('charliecloud-option', { option, reason });
  };
  const digits = /^\s*([+-]?[0-9]+)(.*)$/s.exec(text);
  if (digits === null) return refuse('no digits found');
  const number = Number(digits[1]);
  if (Math.abs(number) > 2 ** 31 - 1) return refuse('out of range');
  return digits[2] === '' ? number : refuse('extra characters after digits');
}

/** A line of each level, for who must find them in a log. */
function runTest(name: string, speaker: Speaker): Ending['ending'] {
  if (name !== 'log' && name !== 'log-fail') {
    throw new SlipwayError('charliecloud-option', { option: '--test', reason: `invalid argument: ${name}` });
  }
  for (const level of ['trace', 'debug', 'verbose', 'info', 'warning'] as const) speaker.say(level, level);
  if (name === 'log-fail') throw new SlipwayError('charliecloud-test-failed', {});
  return 'done';
}
