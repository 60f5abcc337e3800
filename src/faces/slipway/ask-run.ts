// SPDX-License-Identifier: Apache-2.0
// From the words after `slipway run` to a RunRequest.
import { describeGetoptError, parseArguments } from '../../formats/getopt/index.ts';
import { type Adaptation, type EnvironmentEdit, SlipwayError, type Writable } from '../../model/index.ts';
import type { AskedRun } from '../../launch/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { parseEnvironmentFile, parseVariable, type Variable } from './environment-file.ts';
import { type MountResult, parseMount, parseVolume } from './mount-options.ts';
import { run, runOptions } from './descriptions/run.ts';
import { parseSize } from './sizes.ts';

const defaultWritableBytes = 2 ** 30;
/** What --clear-env leaves: who and where one is. */
const keptByClearing = ['HOME', 'USER', 'LOGNAME', 'TERM'] as const;

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
export function askRun(words: readonly string[], inputs: Inputs): AskedRun {
  const usage = (reason: string): never => {
    throw new SlipwayError('usage', { command: run.name, reason });
  };
  const parsed = parseArguments(runOptions, words.slice(verbs), run.rules);
  if (!parsed.ok) return usage(describeGetoptError(parsed.error));
  const [image, ...command] = parsed.operands;
  if (image === undefined || image === '') return usage('no image was named');

  const adaptations: Adaptation[] = [];
  const kept: string[] = [];
  let isCleared = false;
  const ask: { workdir?: string; entrypoint?: readonly string[]; uid?: number; gid?: number } = {};
  let writable: Writable = { kind: 'none' };
  let home = true;

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
  const id = (name: string, text: string): number =>
    /^[0-9]{1,10}$/.test(text) && Number(text) < 0xffff_ffff ? Number(text) : usage(`--${name}: "${text}" is no id`);

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
        ask[name] = id(name, value);
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
    request: { adaptations: [...clearing, ...adaptations], writable, hasCommand, home, ...ask },
    covers: { words: words.slice(0, verbs + parsed.consumed), isExact: !hasCommand },
  };
}

/** `-w`, `-w512M`, `-w./DIR`: a size is a number with a unit; anything else that exists as a directory is one. */
function parseWritable(given: string | undefined, inputs: Inputs): Writable | undefined {
  if (given === undefined) return { kind: 'tmpfs', sizeBytes: defaultWritableBytes };
  const sizeBytes = parseSize(given);
  if (sizeBytes !== undefined) return sizeBytes > 0 ? { kind: 'tmpfs', sizeBytes } : undefined;
  const path = inputs.absolute(given);
  return inputs.kindOf(path) === 'directory' ? { kind: 'directory', path } : undefined;
}
