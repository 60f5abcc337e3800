// SPDX-License-Identifier: Apache-2.0
// From the words after `sarus run` to a RunRequest.
import { posix } from 'node:path';
import { parseDeviceValue, parseMountValue } from '../../formats/sarus-mount/index.ts';
import {
  type AskedRun,
  hookAdaptations,
  identityOf,
  type OpenedImage,
  type Person,
  userKey,
} from '../../launch/index.ts';
import {
  type Adaptation,
  type MountRequest,
  noIsolation,
  pidMark,
  type RunRequest,
  SlipwayError,
} from '../../model/index.ts';
import { type HookFile, hookMatches, lineOf, parseCdiName, type SarusSite } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { annotationsOf } from './annotations.ts';
import { baseAdaptation, namesAdaptation } from './container.ts';
import { run, type RunOption } from './descriptions/run.ts';
import { environmentAdaptations, personEdits } from './environment.ts';
import type { FoundSarusImage } from './find-image.ts';
import { type Line, readLine, usageError } from './read-line.ts';
import { sshSettings } from './ssh-keys.ts';

export type SarusAsk = {
  /** argv, `sarus` first. */
  readonly words: readonly string[];
  /** The index of `run` among them. */
  readonly verb: number;
  readonly site: SarusSite;
  /** All that the site has configured. */
  readonly hooks: readonly HookFile[];
  readonly inputs: Inputs;
  /** Of the caller's variables. */
  readonly variableNames: readonly string[];
  readonly say: (text: string) => void;
  /** Adaptations for devices of CDI specifications. */
  readonly cdiDevices: (names: readonly string[]) => readonly Adaptation[];
};

/** What is neither a name of CDI's nor a path is a path that is wrong. */
const isCdiName = (value: string): boolean => parseCdiName(value) !== undefined;

/** Half of a machine's memory, as the kernel gives a tmpfs where nothing is said, is more than anybody writes to a root. */
const writableBytes = 2 ** 36;

/** Reads the words as far as they don't need the image. @throws SlipwayError `sarus-usage`, `device-value`, `mount-value` */
export function readRun(words: readonly string[]): Line<RunOption> {
  const line = readLine(run, words);
  const pid = line.value('pid');
  if (pid !== undefined && pid !== 'host' && pid !== 'private')
    throw usageError(run, `--pid "${pid}" is neither host nor private`);
  if (line.has('ssh') && pid === 'host') throw usageError(run, '--ssh needs --pid=private');
  if (line.value('mpi-type') === '') throw usageError(run, '--mpi-type is empty');
  if (line.value('name') === '') throw usageError(run, '--name is empty');
  const workdir = line.value('workdir');
  if (workdir !== undefined && !workdir.startsWith('/'))
    throw usageError(run, `--workdir "${workdir}" is not absolute`);
  return line;
}

/** @throws SlipwayError for everything that words, site and image can get wrong */
export function askRun(line: Line<RunOption>, found: FoundSarusImage, ask: SarusAsk): AskedRun {
  const { site, hooks, words, verb } = ask;
  const { meta } = found;
  const [, ...command] = line.operands;
  const entrypoint = line
    .value('entrypoint')
    ?.split(/\s+/)
    .filter((word) => word !== '');
  const cmd = command.length > 0 || entrypoint !== undefined ? [] : meta.Cmd;
  const first = [...(entrypoint ?? meta.Entrypoint), ...cmd];
  if (first.length + command.length === 0) {
    throw new SlipwayError('sarus-no-command', { image: found.located.subject });
  }
  // Where a hook asks which program is run, the plan is for these words alone: a first word can't be told from options.
  const isAsked = hooks.some(({ when }) => when.commands !== undefined) && first.length === 0 && !line.has('init');
  const init = line.has('init') ? ['/dev/init', '--'] : [];
  const program = [...init, ...first, ...(isAsked ? command : [])];
  const person = personAdaptations(line, ask);
  const siteOnes = siteAdaptations(site);
  const annotations = annotationsOf(line, {
    labels: meta.Labels,
    defaultMpiType: site.defaultMpiType,
    ownOptions: words.slice(1, verb),
  });
  const subject = {
    annotations,
    command: program[0] ?? command[0],
    hasBindMounts: [...siteOnes, ...person].some(({ mounts }) => mounts.length > 0),
  };
  const matching = hooks.filter((file) => file.stages.length > 0 && hookMatches(file, subject));
  return {
    image: found.located,
    covers: {
      words: isAsked ? words : words.slice(0, verb + 1 + line.consumed),
      isExact: isAsked || command.length === 0,
    },
    request: (image, who) =>
      makeRequest({ line, found, image, who, matching, annotations, siteOnes, person, program, ask }),
  };
}

function makeRequest(given: {
  readonly line: Line<RunOption>;
  readonly found: FoundSarusImage;
  readonly image: OpenedImage;
  readonly who: Person;
  readonly matching: readonly HookFile[];
  readonly annotations: ReadonlyMap<string, string>;
  readonly siteOnes: readonly Adaptation[];
  readonly person: readonly Adaptation[];
  readonly program: readonly string[];
  readonly ask: SarusAsk;
}): RunRequest {
  const { line, found, image, who, matching, siteOnes, person, ask } = given;
  const { site, inputs } = ask;
  const variables = [
    ...environmentAdaptations({ meta: found.meta, site, hasInit: line.has('init'), inputs }),
    ...environmentOf(line, ask),
  ];
  const { annotations } = given;
  const before = [...siteOnes, ...person, ...initAdaptation(line, site)];
  const fromHooks = hookAdaptations({
    files: matching,
    before,
    image,
    inputs,
    edits: variables.flatMap(({ environment }) => environment),
    annotations,
    person: who,
    say: ask.say,
  });
  const added = [...before, ...fromHooks];
  const areHooksRun = [...added, ...variables].some(({ hooks }) => hooks !== undefined && hooks.length > 0);
  const isPidPrivate = line.has('ssh') || line.value('pid') === 'private';
  if (line.has('ssh')) checkSshKeys(ask, who);
  const workdir = line.value('workdir') ?? (found.meta.WorkingDir || '/');
  return {
    conventions: {
      style: 'slipway',
      statuses: { own: 1, notFound: 1, notExecutable: 1 },
      rootFlags: { nosuid: true, nodev: true },
      makesMountPoints: true,
      sharesImage: true,
      workdirs: [{ how: 'must', path: workdir, origin: line.has('workdir') ? '--workdir' : 'the image' }],
      words: given.program,
    },
    adaptations: [baseAdaptation(added, inputs), namesAdaptation(image, who, { site, inputs }), ...added, ...variables],
    writable: { kind: 'tmpfs', sizeBytes: writableBytes },
    hasCommand: line.operands.length > 1,
    home: false,
    joining: { kind: 'ranks' },
    isolation: { ...noIsolation, namespaces: isPidPrivate ? ['pid'] : [] },
    ...(areHooksRun
      ? {
          identity: identityOf(line.value('name') ?? `sarus-container-${pidMark}`, annotations, {
            variableNames: ask.variableNames,
            inputs,
          }),
        }
      : {}),
  };
}

/** @throws SlipwayError `sarus-ssh-keys` */
function checkSshKeys({ hooks, site, inputs }: SarusAsk, { userName, home }: Person): void {
  const { keys } = sshSettings(hooks, { userName, site, home });
  if (inputs.kindOf(posix.join(keys, `${userKey}.pub`)) === undefined) {
    throw new SlipwayError('sarus-ssh-keys', { path: keys });
  }
}

function siteAdaptations(site: SarusSite): readonly Adaptation[] {
  const file = site.file ?? '';
  const mounts = site.siteMounts.map(({ source, target, isReadOnly }) =>
    one(`${file}:${lineOf(site.text, target)}`, bind(source, target, isReadOnly)),
  );
  const devices = site.siteDevices.map(({ source, target }) =>
    one(`${file}:${lineOf(site.text, source)}`, bind(source, target, false)),
  );
  return [...mounts, ...devices];
}

function personAdaptations(line: Line<RunOption>, ask: SarusAsk): readonly Adaptation[] {
  const { site, inputs } = ask;
  const rules = { forbiddenPaths: site.forbiddenPaths, forbiddenTrees: site.forbiddenTrees };
  const mounts = line.values('mount').map((value) => {
    const result = parseMountValue(value, { rules, expand: (text) => text });
    if (!result.ok) throw new SlipwayError('mount-value', { value, reason: result.reason });
    const { source, target, isReadOnly } = result.mount;
    if (inputs.kindOf(source) === undefined) {
      throw new SlipwayError('mount-value', { value, reason: `the source "${source}" does not exist` });
    }
    return one(`--mount=${value}`, bind(source, target, isReadOnly));
  });
  const devices = line
    .values('device')
    .filter((value) => !isCdiName(value))
    .flatMap((value) => {
      const result = parseDeviceValue(value);
      if (!result.ok) throw new SlipwayError('device-value', { value, reason: result.reason });
      const { source, target } = result.device;
      if (inputs.kindOf(source) !== 'other') {
        throw new SlipwayError('device-value', { value, reason: `${source} is no device here` });
      }
      if (site.siteDevices.some((device) => device.source === source)) {
        ask.say(`--device=${value} is left out: the site shows ${source} already`);
        return [];
      }
      return [one(`--device=${value}`, bind(source, target, false))];
    });
  const named = line.values('device').filter(isCdiName);
  return [...mounts, ...devices, ...(named.length === 0 ? [] : ask.cdiDevices(named))];
}

function environmentOf(line: Line<RunOption>, { inputs }: SarusAsk): readonly Adaptation[] {
  return line.values('env').map((value) => {
    const environment = personEdits(value, inputs);
    if (environment === undefined) throw usageError(run, `--env "${value}" has no name`);
    return { origin: `--env ${value}`, mounts: [], environment };
  });
}

function initAdaptation(line: Line<RunOption>, site: SarusSite): readonly Adaptation[] {
  if (!line.has('init')) return [];
  if (site.initPath === undefined) throw usageError(run, '--init: the site has named no init (initPath in sarus.json)');
  return [one('--init', bind(site.initPath, '/dev/init', true))];
}

function bind(source: string, target: string, isReadOnly: boolean): MountRequest {
  const flags = { recursive: true, nosuid: true, ...(isReadOnly ? { readOnly: true } : {}) };
  return { kind: 'bind', source, target, flags };
}

function one(origin: string, mount: MountRequest): Adaptation {
  return { origin, mounts: [mount], environment: [] };
}
