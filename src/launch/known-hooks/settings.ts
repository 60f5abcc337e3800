// SPDX-License-Identifier: Apache-2.0
// What a known hook is told: by its configuration file where it becomes part of a plan, by its own arguments and variables
// where a runtime has started it.
import type { LibraryTree } from '../../host/index.ts';
import type { Adaptation, EnvironmentEdit, MountRequest } from '../../model/index.ts';
import { type HookFile, lineOf } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { LoggingLevel } from './logging-level.ts';

export type HookSettings = {
  /** For errors: the file, or the hook. */
  readonly subject: string;
  /** Behind the name of the program. */
  readonly words: readonly string[];
  /** A variable of the hook's own environment. */
  readonly value: (name: string) => string | undefined;
  /** Who asks for something: `what` is an option or variable, `text` how it stands in the file. */
  readonly origin: (what: string, text?: string) => string;
};

export type HookContext = {
  readonly image: LibraryTree & { readonly kindOf: (path: string) => 'file' | 'directory' | 'other' | undefined };
  readonly inputs: Inputs;
  /** A variable of the container. */
  readonly variable: (name: string) => string | undefined;
  /** What makes the container's variables of the host's. */
  readonly edits: readonly EnvironmentEdit[];
  readonly annotations: ReadonlyMap<string, string>;
  readonly person: { readonly userName: string; readonly home: string };
  /** Told to the person, once, where so much is wanted. */
  readonly say: (text: string, level: LoggingLevel) => void;
};

export type HookEffects = {
  readonly adaptations: readonly Adaptation[];
  /** Whether the image's cache of libraries is to know of what was mounted. */
  readonly needsLibraryCache: boolean;
};

export const nothing: HookEffects = { adaptations: [], needsLibraryCache: false };

export function settingsOf(file: HookFile): HookSettings {
  return {
    subject: file.file,
    words: file.hook.args.slice(1),
    value: (name) => file.hook.env?.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1),
    origin: (what, text = what) => {
      const line = [`--mount=${text}`, `--device=${text}`, text]
        .map((each) => lineOf(file.text, each))
        .find((each) => each > 1);
      return `${file.file}:${line ?? lineContaining(file.text, what)}`;
    },
  };
}

/** A variable that lists paths. */
export function pathsIn(settings: HookSettings, name: string): readonly string[] {
  return (settings.value(name) ?? '').split(':').filter((path) => path !== '');
}

export function bind(source: string, target: string): MountRequest {
  return { kind: 'bind', source, target, flags: { recursive: true, nosuid: true } };
}

function lineContaining(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}
