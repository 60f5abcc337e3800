// SPDX-License-Identifier: Apache-2.0
// A hook's configuration file: schema 1.0.0 of oci-hooks(5), as Sarus and as podman and CRI-O read it, and schema 0.1.0,
// which only the latter still do.
import { type HookRequest, type HookStage, hookStages } from '../../model/index.ts';
import { type CheckedObject, parseChecked } from '../checked-json.ts';

/** Whose rules: they agree on the file and differ on what it means. */
export type HookDialect = 'sarus' | 'podman';

export type HookConditions = {
  readonly always?: boolean;
  /** Pairs of expressions, for a key and its value. */
  readonly annotations?: readonly (readonly [RegExp, RegExp])[];
  readonly commands?: readonly RegExp[];
  readonly hasBindMounts?: boolean;
  /** Of schema 0.1.0: one of the conditions is enough. */
  readonly isAnyEnough?: boolean;
};

export type HookFile = {
  readonly file: string;
  /** The text, to say at which line something stands. */
  readonly text: string;
  readonly dialect: HookDialect;
  readonly hook: Omit<HookRequest, 'stage' | 'env'> & {
    /** Undefined where the file says nothing: the hook then has none, whatever a runtime would have given it. */
    readonly env: readonly string[] | undefined;
  };
  readonly when: HookConditions;
  readonly stages: readonly HookStage[];
};

const maxPatternLength = 4096;

/** Reads a file's text. @throws what `refuse` throws, with the reason */
export function parseHookFile(
  text: string,
  given: { readonly file: string; readonly dialect: HookDialect; readonly refuse: (reason: string) => never },
): HookFile {
  const { file, dialect, refuse } = given;
  const top = parseChecked(text, refuse);
  const version = top.string('version');
  if (dialect === 'podman' && (version === undefined || version === '0.1.0')) {
    return { file, text, dialect, ...readOldSchema(top, refuse) };
  }
  for (const name of ['version', 'hook', 'when', 'stages']) if (!top.has(name)) refuse(`${name} is missing`);
  if (dialect === 'sarus') refuseOthers(top, ['version', 'hook', 'when', 'stages'], refuse);
  const hook = readHook(top.object('hook') ?? refuse('hook is missing'), dialect, refuse);
  const when = readConditions(top.object('when') ?? refuse('when is missing'), dialect, refuse);
  const listed = readStages(top, 'stages', dialect, refuse);
  if (version !== '1.0.0') refuse(`version "${version ?? ''}" is not 1.0.0`);
  return { file, text, dialect, hook, when, stages: listed };
}

/** The line, from 1, at which a text of the configuration stands as JSON; 1 where it can't be found. */
export function lineOf(text: string, value: string): number {
  const at = text.indexOf(JSON.stringify(value));
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}

function readHook(hook: CheckedObject, dialect: HookDialect, refuse: (reason: string) => never): HookFile['hook'] {
  const path = hook.string('path') ?? refuse('hook.path is missing');
  if (!path.startsWith('/')) refuse(`hook.path "${path}" is not absolute`);
  const timeoutSeconds = hook.integer('timeout');
  if (timeoutSeconds !== undefined && timeoutSeconds < 1) refuse('hook.timeout is less than 1');
  const args = hook.strings('args') ?? [];
  const env = hook.strings('env');
  const wrong = env?.find((each) => each.indexOf('=') < 1);
  if (wrong !== undefined && dialect === 'sarus') refuse(`hook.env: "${wrong}" is not NAME=VALUE`);
  return {
    path,
    args: args.length === 0 ? [path] : args,
    env,
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  };
}

function readConditions(when: CheckedObject, dialect: HookDialect, refuse: (reason: string) => never): HookConditions {
  if (dialect === 'sarus') {
    refuseOthers(when, ['always', 'annotations', 'commands', 'hasBindMounts'], refuse, 'when.');
    if (when.names.length === 0) refuse('when has no condition');
  }
  const pattern = (text: string): RegExp => compile(text, dialect, refuse);
  const always = when.boolean('always');
  const annotations = when.map('annotations');
  const commands = when.strings('commands');
  const hasBindMounts = when.boolean('hasBindMounts');
  return {
    ...(always === undefined ? {} : { always }),
    ...(annotations === undefined
      ? {}
      : { annotations: [...annotations].map(([key, value]) => [pattern(key), pattern(value)] as const) }),
    ...(commands === undefined ? {} : { commands: commands.map(pattern) }),
    ...(hasBindMounts === undefined ? {} : { hasBindMounts }),
  };
}

/** Sarus wants the whole text to match; podman and CRI-O look for a match anywhere. */
function compile(text: string, dialect: HookDialect, refuse: (reason: string) => never): RegExp {
  if (text.length > maxPatternLength) refuse('an expression is too long');
  try {
    // Checked by itself first, so that no bracket of it closes ours.
    const own = new RegExp(text, 'u');
    return dialect === 'podman' ? own : new RegExp(`^(?:${text})$`, 'u');
  } catch (error) {
    return refuse(`"${text}" is no regular expression (${error instanceof Error ? error.message : ''})`);
  }
}

function readStages(
  object: CheckedObject,
  name: string,
  dialect: HookDialect,
  refuse: (reason: string) => never,
): readonly HookStage[] {
  return (object.strings(name) ?? []).map((text) => {
    const stage = hookStages.find((each) => each === text) ?? refuse(`${name}: "${text}" is no stage`);
    // containers/common runs what asks for the old stage at the one that took its place.
    return dialect === 'podman' && stage === 'prestart' ? 'createRuntime' : stage;
  });
}

/** Schema 0.1.0: {hook, arguments, stages|stage, cmds|cmd, annotations|annotation, hasbindmounts}. */
function readOldSchema(
  top: CheckedObject,
  refuse: (reason: string) => never,
): Pick<HookFile, 'hook' | 'when' | 'stages'> {
  const path = top.string('hook') ?? refuse('hook is missing');
  if (!path.startsWith('/')) refuse(`hook "${path}" is not absolute`);
  const either = (plural: string, single: string): readonly string[] =>
    top.strings(top.has(plural) ? plural : single) ?? [];
  const commands = either('cmds', 'cmd').map((text) => compile(text, 'podman', refuse));
  const values = either('annotations', 'annotation').map((text) => compile(text, 'podman', refuse));
  const hasBindMounts = top.boolean('hasbindmounts');
  return {
    hook: { path, args: [path, ...(top.strings('arguments') ?? [])], env: undefined },
    when: {
      isAnyEnough: true,
      ...(commands.length === 0 ? {} : { commands }),
      ...(values.length === 0 ? {} : { annotations: values.map((value) => [/(?:)/u, value] as const) }),
      ...(hasBindMounts === undefined ? {} : { hasBindMounts }),
    },
    stages: readStages(top, top.has('stages') ? 'stages' : 'stage', 'podman', refuse),
  };
}

function refuseOthers(
  object: CheckedObject,
  known: readonly string[],
  refuse: (reason: string) => never,
  prefix = '',
): void {
  const other = object.names.find((name) => !known.includes(name));
  if (other !== undefined) refuse(`${prefix}${other} is no member that is known`);
}
