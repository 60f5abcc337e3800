// SPDX-License-Identifier: Apache-2.0
// The container that an OCI runtime calls a hook for (runtime-spec, "State" and "Configuration"). What stands in the
// configuration is the runtime's word, but its variables are the image's: nothing of them is used outside the container.
import { posix } from 'node:path';
import { describeError, SlipwayError } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { readStandardInput } from '../../sys/standard-input.ts';

export type HookBundle = {
  /** The container's root directory as the host sees it. */
  readonly root: string;
  readonly uid: number;
  readonly gid: number;
  /** The container's variables, `NAME=value`. */
  readonly environment: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Of the container's process, as the runtime says; runtimes say 0, or nothing, where it is not known. */
  readonly pid: number;
};

const maxStateBytes = 1 << 20;
const maxConfigBytes = 4 << 20;

/**
 * Reads the state on standard input, and the configuration of the bundle that it names.
 * @throws SlipwayError `hook-state`, `hook-bundle`
 */
export function readHookBundle(inputs: Inputs): HookBundle {
  const stateText = readStandardInput(maxStateBytes - 1);
  if (stateText === undefined) throw new SlipwayError('hook-state', { reason: 'it is too long' });
  const failState = (reason: string): never => {
    throw new SlipwayError('hook-state', { reason });
  };
  const state = parse(stateText.toString('utf8'), failState);
  const bundle = field(state, 'bundle');
  const pid = field(state, 'pid');
  if (typeof bundle !== 'string' || !bundle.startsWith('/') || bundle.includes('\0')) {
    return failState('it names no bundle');
  }

  const path = `${bundle}/config.json`;
  const failConfig = (reason: string): never => {
    throw new SlipwayError('hook-bundle', { path, reason });
  };
  let text: string | undefined;
  try {
    text = inputs.readText(path, maxConfigBytes - 1);
  } catch (error) {
    return failConfig(describeError(error));
  }
  const config = parse(text ?? failConfig('there is no such file'), failConfig);
  const root = field(field(config, 'root'), 'path');
  if (typeof root !== 'string' || root === '' || root.includes('\0')) return failConfig('root.path is missing');
  const user = field(field(config, 'process'), 'user');
  const id = (name: 'uid' | 'gid'): number => {
    const value = field(user, name);
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 0xffff_ffff
      ? value
      : failConfig(`process.user.${name} is no id`);
  };
  const variables = field(field(config, 'process'), 'env') ?? [];
  const annotations = field(config, 'annotations') ?? {};
  return {
    root: root.startsWith('/') ? root : posix.join(bundle, root),
    uid: id('uid'),
    gid: id('gid'),
    pid: typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? pid : 0,
    environment: Array.isArray(variables) ? variables.filter((each) => typeof each === 'string') : [],
    annotations: Object.fromEntries(
      Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
  };
}

function parse(text: string, fail: (reason: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail('it is not JSON');
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
