// SPDX-License-Identifier: Apache-2.0
// What --verbose tells of a run.
import { compileGlob, globMatches } from '../../../formats/glob/index.ts';
import type { Joining } from '../../../model/index.ts';
import { parentOf, parentProcess } from '../../../sys/process-identity.ts';
import type { Speaker } from '../messages.ts';
import { shellQuoted } from '../shell-quoted.ts';
import type { NamedEdits } from './environment.ts';
import type { FoundImage } from './find-image.ts';
import type { ChRunCommandLine } from './options.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export function saySettings(
  line: ChRunCommandLine,
  given: {
    readonly ids: { readonly uid: number; readonly gid: number };
    readonly image: FoundImage;
    readonly joining: Joining;
    readonly speaker: Speaker;
    readonly variables: Variables;
  },
): void {
  const { ids, image, joining, speaker, variables } = given;
  const isMounted = image.root.kind === 'squashfs' && line.mountPoint === undefined;
  for (const text of [
    `verbosity: ${line.verbosity}`,
    `image: ${line.image}`,
    `storage: ${line.storage}`,
    `newroot: ${isMounted ? '(null)' : image.newRoot}`,
    `container uid: ${ids.uid}`,
    `container gid: ${ids.gid}`,
    `join: ${joinText(joining, variables)}`,
    `private /tmp: ${line.hasPrivateTmp ? 1 : 0}`,
    `seccomp: ${line.fakesRoot ? 1 : 0}`,
    `unsafe: ${line.isUnsafe ? 1 : 0}`,
  ]) {
    speaker.note(text);
  }
  if (isMounted) speaker.note(`using default mount point: ${image.newRoot}`);
  if (joining.kind === 'process') speaker.note(`joining namespaces of pid ${joining.pid}`);
}

/** Whether, how many, the tag, and whose container; `(null)` is what Charliecloud prints for no tag. */
function joinText(joining: Joining, variables: Variables): string {
  if (joining.kind === 'tag') return `1 ${joining.peers ?? 0} ${tagText(joining, variables)} 0`;
  return `0 0 (null) ${joining.kind === 'process' ? joining.pid : 0}`;
}

/** The tag as the command line or the moment of this launch has it. */
function tagText({ tag, scope = [] }: Extract<Joining, { readonly kind: 'tag' }>, variables: Variables): string {
  if (scope.length === 0) return tag;
  // This process was started by the one that is to be the command.
  return scope.includes('@parent') ? String(parentOf(parentProcess()) ?? '') : (variables[scope.at(-1) ?? ''] ?? tag);
}

export function sayCommand(line: ChRunCommandLine, speaker: Speaker): void {
  speaker.note(`executing: ${line.command.map(shellQuoted).join(' ')}`);
}

/** What each edit comes to in the caller's environment. */
export function sayEnvironment(edits: readonly NamedEdits[], variables: Variables, speaker: Speaker): void {
  const now = new Map(Object.entries(variables).filter(([, value]) => value !== undefined));
  for (const edit of edits.flatMap((named) => named.edits)) {
    if (edit.edit === 'set' || edit.edit === 'expand') {
      const value = edit.edit === 'set' ? edit.value : expanded(edit.value, now);
      now.set(edit.name, value);
      speaker.note(`environment: ${edit.name}=${value}`);
    }
    if (edit.edit !== 'unset' && edit.edit !== 'unset-matching') continue;
    const matcher = compileGlob(edit.glob);
    for (const name of [...now.keys()].filter((each) => globMatches(matcher, each))) {
      now.delete(name);
      speaker.note(`environment: unset ${name}`);
    }
  }
}

function expanded(value: string, now: ReadonlyMap<string, string | undefined>): string {
  return value
    .split(':')
    .flatMap((piece) => {
      if (piece.length < 2 || !piece.startsWith('$')) return [piece];
      const found = now.get(piece.slice(1)) ?? '';
      return found === '' ? [] : [found];
    })
    .join(':');
}
