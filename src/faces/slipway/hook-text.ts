// SPDX-License-Identifier: Apache-2.0
// The text of hook files and CDI specifications that `slipway inject` writes.
import { basename } from 'node:path';
import {
  parseDeviceValue,
  parseMountValue,
  formatAccess,
  noRules,
  providerWildcard,
  readHookWords,
} from '../../formats/sarus-mount/index.ts';
import type { Injection } from '../../host/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { HookFile } from '../../site/index.ts';

export type HookTextOptions = {
  readonly program: string;
  /** Expressions for keys and values: each pair of them is enough by itself. */
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  readonly env: readonly string[];
};

/** A configuration for the mount hook. @throws SlipwayError `inject-path`: a path can't be written in its grammar */
export function mountHookText(injection: Injection, options: HookTextOptions): string {
  const mounts = injection.files.map(({ source, target }) => {
    const odd = [source, target].find((path) => /[,=]/.test(path));
    if (odd !== undefined) throw new SlipwayError('inject-path', { path: odd });
    return `--mount=type=bind,src=${source},dst=${target}`;
  });
  const devices = injection.devices.map((path) => `--device=${path}`);
  return hookText([...mounts, ...devices], options);
}

/** A configuration for a hook of these words. */
export function hookText(words: readonly string[], { program, annotations, env }: HookTextOptions): string {
  return json({
    version: '1.0.0',
    hook: { path: program, args: [basename(program), ...words], env },
    when: { annotations: conditionOf(annotations) },
    stages: ['createContainer'],
  });
}

/** All conditions of a file must hold: several keys become one expression, and so do their values. */
function conditionOf(annotations: HookTextOptions['annotations']): Readonly<Record<string, string>> {
  const either = (texts: readonly string[]): string => {
    const unique = [...new Set(texts.map(escaped))];
    return unique.length === 1 ? `^${unique[0] ?? ''}$` : `^(?:${unique.join('|')})$`;
  };
  return { [either(annotations.map(({ key }) => key))]: either(annotations.map(({ value }) => value)) };
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$*+?()[\]{}|]/g, String.raw`\$&`);
}

/**
 * A CDI specification with the one device `all`, of what a mount hook's file says. What a specification can't say, where
 * an image's libfabric is and that its libraries be made known, stays a hook.
 * @throws SlipwayError `hook-arguments`, `mount-value`, `device-value`
 */
export function cdiText(file: HookFile, kind: string): string {
  const words = readHookWords(file.hook.args.slice(1));
  if (!words.ok) throw new SlipwayError('hook-arguments', { reason: `${words.reason} (in ${file.file})` });
  const { mounts, devices } = words.words;
  const isFixed = (value: string): boolean => !value.includes(providerWildcard);
  const left = mounts.filter((value) => !isFixed(value)).map((value) => `--mount=${value}`);
  const env = file.hook.env ?? [];
  const needsHook = left.length > 0 || env.some((each) => /^LDCONFIG_PATH=./.test(each));
  return json({
    cdiVersion: '0.6.0',
    kind,
    devices: [
      {
        name: 'all',
        containerEdits: {
          mounts: mounts.filter(isFixed).map((value) => {
            const result = parseMountValue(value, { rules: noRules, expand: (text) => text });
            if (!result.ok) throw new SlipwayError('mount-value', { value, reason: result.reason });
            const { source, target, isReadOnly } = result.mount;
            const options = ['rbind', 'nosuid', 'rprivate', ...(isReadOnly ? ['ro'] : [])];
            return { hostPath: source, containerPath: target, options };
          }),
          deviceNodes: devices.map((value) => {
            const result = parseDeviceValue(value);
            if (!result.ok) throw new SlipwayError('device-value', { value, reason: result.reason });
            const { source, target, access } = result.device;
            return {
              path: target,
              hostPath: source,
              permissions: formatAccess({ ...access, read: true, write: true }),
            };
          }),
          ...(needsHook
            ? {
                hooks: [
                  {
                    hookName: 'createContainer',
                    path: file.hook.path,
                    args: [file.hook.args[0] ?? basename(file.hook.path), ...left],
                    env,
                  },
                ],
              }
            : {}),
        },
      },
    ],
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
