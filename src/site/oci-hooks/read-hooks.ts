// SPDX-License-Identifier: Apache-2.0
// Directories of hook configurations. One file that can't be used ends everything: a hook that is silently left out may be
// the one that makes a container right.
import { basename, posix } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { distrustOf } from '../../sys/trust.ts';
import { type HookFile, parseHookFile } from './hook-file.ts';

const maxFileBytes = 1 << 20;

/**
 * Sarus's one directory: files named *.json in the order of their bytes.
 * @param areOwnersChecked whether file, program and the directories above must be root's alone to change
 * @throws SlipwayError `hook-file`
 */
export function readSarusHooks(directory: string, areOwnersChecked: boolean, inputs: Inputs): readonly HookFile[] {
  const names = inputs.listDirectory(directory) ?? [];
  const paths = names
    .filter((name) => name.endsWith('.json') && name !== '.json')
    .map((name) => posix.join(directory, name));
  return paths
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((path) => {
      const file = readOne(path, 'sarus', inputs);
      if (areOwnersChecked) checkOwners(file, inputs);
      return file;
    });
}

/**
 * podman's and CRI-O's directories: of one name the later directory's file counts; in the order of lower-cased names.
 * @throws SlipwayError `hook-file`
 */
export function readPodmanHooks(directories: readonly string[], inputs: Inputs): readonly HookFile[] {
  const byName = new Map<string, string>();
  for (const directory of directories) {
    for (const name of inputs.listDirectory(directory) ?? []) {
      if (name.endsWith('.json')) byName.set(name, posix.join(directory, name));
    }
  }
  return [...byName]
    .toSorted(([a], [b]) => compare(a.toLowerCase(), b.toLowerCase()))
    .map(([, path]) => {
      const file = readOne(path, 'podman', inputs);
      if (inputs.kindOf(file.hook.path) === undefined) refusal(path)(`hook.path "${file.hook.path}" does not exist`);
      return file;
    });
}

/** How a list of hooks calls a file: without directory and extension. */
export function hookName(file: HookFile): string {
  return basename(file.file, '.json');
}

function readOne(path: string, dialect: HookFile['dialect'], inputs: Inputs): HookFile {
  const refuse = refusal(path);
  const text = inputs.readText(path, maxFileBytes) ?? refuse('it vanished');
  return parseHookFile(text, { file: path, dialect, refuse });
}

function checkOwners(file: HookFile, inputs: Inputs): void {
  const refuse = refusal(file.file);
  const real = inputs.realPath(file.file) ?? file.file;
  const reason = distrustOf(real);
  if (reason !== undefined) refuse(reason);
  const program = inputs.realPath(file.hook.path);
  const why = program === undefined ? undefined : distrustOf(program);
  if (why !== undefined) refuse(`its program: ${why}`);
}

function refusal(path: string): (reason: string) => never {
  return (reason) => {
    throw new SlipwayError('hook-file', { path, reason });
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
