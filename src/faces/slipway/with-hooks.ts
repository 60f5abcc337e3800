// SPDX-License-Identifier: Apache-2.0
// `--hooks-dir`: hooks that podman and CRI-O would run, by their rules. What Sarus's own hooks do becomes part of the plan;
// any other is run at its stages.
import { type AskedRun, hookAdaptations, identityOf, type OpenedImage, type Person } from '../../launch/index.ts';
import { type EnvironmentEdit, pidMark, type RunRequest, SlipwayError } from '../../model/index.ts';
import { hookMatches, readPodmanHooks } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { AskedHooks } from './ask-run.ts';

/** @throws SlipwayError `hook-file` */
export function withHooks(
  asked: AskedRun<RunRequest>,
  given: AskedHooks & {
    readonly inputs: Inputs;
    readonly variableNames: readonly string[];
    readonly say: (text: string) => void;
  },
): AskedRun {
  const { annotations, command, inputs } = given;
  const directories = given.directories.map(inputs.absolute);
  const wrong = directories.find((path) => inputs.kindOf(path) !== 'directory');
  // A name that is misspelt must not mean that there are no hooks.
  if (wrong !== undefined) throw new SlipwayError('hook-file', { path: wrong, reason: 'there is no such directory' });
  const files = readPodmanHooks(directories, inputs);
  // Where a hook asks which program is run, the plan is for these words alone: a first word can't be told from options.
  const isAsked = command.length > 0 && files.some(({ when }) => when.commands !== undefined);
  const { covers } = asked;
  return {
    ...asked,
    covers: isAsked ? { words: [...covers.words, ...command], isExact: true } : covers,
    request: (image, person) => {
      const request = isAsked ? withCommand(asked.request, command, image) : asked.request;
      const subject = {
        annotations,
        command: firstWord(request, image) ?? command[0],
        hasBindMounts: hasBindMounts(request),
      };
      const matching = files.filter((file) => file.stages.length > 0 && hookMatches(file, subject));
      return withAdaptations(request, { ...given, files: matching, image, person });
    },
  };
}

function withAdaptations(
  request: RunRequest,
  given: Omit<Parameters<typeof hookAdaptations>[0], 'before' | 'edits'> & {
    readonly person: Person;
    readonly variableNames: readonly string[];
  },
): RunRequest {
  const { image, annotations, inputs, variableNames } = given;
  const { adaptations: before } = request;
  const fromImage = image.config.env.map((text): EnvironmentEdit => {
    const equals = text.indexOf('=');
    return { edit: 'set', name: text.slice(0, Math.max(equals, 0)), value: text.slice(equals + 1) };
  });
  const edits = [...fromImage, ...before.flatMap(({ environment }) => environment)];
  const adaptations = [...before, ...hookAdaptations({ ...given, before, edits })];
  return {
    ...request,
    adaptations,
    ...(adaptations.some(({ hooks = [] }) => hooks.length > 0)
      ? { identity: identityOf(`slipway-${pidMark}`, annotations, { variableNames, inputs }) }
      : {}),
  };
}

/** The command becomes part of what is planned. */
function withCommand(request: RunRequest, command: readonly string[], image: OpenedImage): RunRequest {
  return { ...request, entrypoint: [...(request.entrypoint ?? image.config.entrypoint), ...command] };
}

/** Undefined where it is the first of the words that no plan covers. */
function firstWord({ entrypoint, hasCommand }: RunRequest, { config }: OpenedImage): string | undefined {
  const cmd = hasCommand || entrypoint !== undefined ? [] : config.cmd;
  return [...(entrypoint ?? config.entrypoint), ...cmd][0];
}

/** Those that the person asks for, as podman counts. */
function hasBindMounts({ adaptations }: RunRequest): boolean {
  return adaptations.some(
    ({ origin, mounts }) => /^--(?:volume|mount) /.test(origin) && mounts.some(({ kind }) => kind === 'bind'),
  );
}
