// SPDX-License-Identifier: Apache-2.0
// Hooks of NVIDIA's specifications whose effect a plan has by itself, with no process that would have to run for each
// container: links to libraries become mounts, and folders of libraries a search path.
import { posix } from 'node:path';
import type { EnvironmentEdit, MountRequest } from '../../model/index.ts';
import type { CdiHook } from './spec.ts';

export type HookEffect = { readonly mounts: readonly MountRequest[]; readonly environment: readonly EnvironmentEdit[] };

const tools: ReadonlySet<string> = new Set(['nvidia-cdi-hook', 'nvidia-ctk', 'nvidia-container-toolkit-hook']);

/**
 * What `hook` would do, given all `mounts` of its specification; undefined for a hook that must be run.
 * `create-symlinks --link TARGET::LINK` shows at LINK what is mounted at TARGET; `update-ldcache --folder DIR` lets programs
 * look there; `chmod` is for directories that a runtime made, and here there are none.
 */
export function effectOfKnownHook(hook: CdiHook, mounts: readonly MountRequest[]): HookEffect | undefined {
  const [program = '', ...rest] = hook.args;
  const words = rest[0] === 'hook' ? rest.slice(1) : rest;
  if (
    hook.hookName !== 'createContainer' ||
    !tools.has(posix.basename(hook.path)) ||
    !tools.has(posix.basename(program))
  ) {
    return undefined;
  }
  switch (words[0] ?? '') {
    case 'create-symlinks':
      return linksAsMounts(valuesOf('--link', words), mounts);
    case 'update-ldcache':
      return { mounts: [], environment: valuesOf('--folder', words).map(searched) };
    case 'chmod':
      return { mounts: [], environment: [] };
    default:
      return undefined;
  }
}

/** `--link A --link=B`. */
function valuesOf(option: string, words: readonly string[]): readonly string[] {
  return words.flatMap((word, index) => {
    if (word.startsWith(`${option}=`)) return [word.slice(option.length + 1)];
    const next = words[index + 1];
    return word === option && next !== undefined ? [next] : [];
  });
}

function linksAsMounts(links: readonly string[], mounts: readonly MountRequest[]): HookEffect | undefined {
  const sources = new Map(mounts.flatMap((mount) => (mount.kind === 'bind' ? [[mount.target, mount] as const] : [])));
  const made: MountRequest[] = [];
  for (const text of links) {
    const [target = '', link = ''] = text.split('::');
    const mount = sources.get(posix.resolve(posix.dirname(link), target));
    // One link may lead to another that was made before it.
    if (mount === undefined || !link.startsWith('/')) return undefined;
    const shown = { ...mount, target: link };
    sources.set(link, shown);
    made.push(shown);
  }
  return { mounts: made, environment: [] };
}

function searched(folder: string): EnvironmentEdit {
  return { edit: 'append', name: 'LD_LIBRARY_PATH', value: folder, separator: ':' };
}
