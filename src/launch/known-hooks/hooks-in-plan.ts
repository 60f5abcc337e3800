// SPDX-License-Identifier: Apache-2.0
// Hooks of configuration files as parts of a plan: what the known ones do, the others as programs to be run, and the cache
// of libraries that knows what they brought.
import { libraryCacheWith, machineTree } from '../../host/index.ts';
import type { Adaptation, EnvironmentEdit } from '../../model/index.ts';
import { applyEdits } from '../../plan/index.ts';
import type { HookFile } from '../../site/index.ts';
import type { OpenedImage } from '../image-facts.ts';
import { effectsOf } from './effects.ts';
import { loggingLevel, type LoggingLevel } from './logging-level.ts';
import type { HookContext } from './settings.ts';

export type HooksInPlan = Omit<HookContext, 'image' | 'variable' | 'say'> & {
  readonly say: (text: string) => void;
  readonly image: OpenedImage;
  /** Those that are for this container, in the order in which they are run. */
  readonly files: readonly HookFile[];
  /** What is mounted before any hook is run. */
  readonly before: readonly Adaptation[];
};

/** @throws SlipwayError `mount-value`, `device-value`, `hook-arguments`, `hook-setting`, `sarus-ssh-keys` */
export function hookAdaptations(given: HooksInPlan): readonly Adaptation[] {
  const { image, inputs, edits, files, before } = given;
  if (files.length === 0) return [];
  const variable = (name: string): string | undefined => variableOf(name, inputs.environment(name), edits);
  const wanted = loggingLevel(given.annotations);
  const say = (text: string, level: LoggingLevel): void => {
    if (level >= wanted) given.say(text);
  };
  const effects = files.map((file) => effectsOf(file, { ...given, variable, say }));
  const adaptations = effects.flatMap((effect) => effect.adaptations);
  if (!effects.some(({ needsLibraryCache }) => needsLibraryCache)) return adaptations;
  // What ldconfig would do after the mounts.
  const mounted = [...before, ...adaptations].flatMap(({ mounts }) =>
    mounts.flatMap((mount) => (mount.kind === 'bind' ? [{ source: mount.source, target: mount.target }] : [])),
  );
  const content = libraryCacheWith(image, machineTree(inputs), mounted);
  if (content === undefined) return adaptations;
  const cache: Adaptation = {
    origin: 'the libraries that hooks brought in',
    mounts: [{ kind: 'file', content, encoding: 'latin1', target: '/etc/ld.so.cache', flags: {} }],
    environment: [],
  };
  return [...adaptations, cache];
}

/** A variable as the container will have it. */
function variableOf(name: string, host: string | undefined, edits: readonly EnvironmentEdit[]): string | undefined {
  return applyEdits({ [name]: host }, edits).get(name);
}
