// SPDX-License-Identifier: Apache-2.0
// What --verbose tells of a run.
import type { Joining } from '../../../model/index.ts';
import type { Speaker } from '../messages.ts';
import { shellQuoted } from '../shell-quoted.ts';
import type { FoundImage } from './find-image.ts';
import type { ChRunCommandLine } from './options.ts';

export function saySettings(
  line: ChRunCommandLine,
  given: {
    readonly ids: { readonly uid: number; readonly gid: number };
    readonly image: FoundImage;
    readonly joining: Joining;
    readonly speaker: Speaker;
  },
): void {
  const { ids, image, joining, speaker } = given;
  const isMounted = image.root.kind === 'squashfs' && line.mountPoint === undefined;
  for (const text of [
    `verbosity: ${line.verbosity}`,
    `image: ${line.image}`,
    `storage: ${line.storage}`,
    `newroot: ${isMounted ? '(null)' : image.newRoot}`,
    `container uid: ${ids.uid}`,
    `container gid: ${ids.gid}`,
    `join: ${joinText(joining)}`,
    `private /tmp: ${line.hasPrivateTmp ? 1 : 0}`,
    `seccomp: ${line.fakesRoot ? 1 : 0}`,
    `unsafe: ${line.isUnsafe ? 1 : 0}`,
  ]) {
    speaker.note(text);
  }
  if (isMounted) speaker.note(`using default mount point: ${image.newRoot}`);
}

/** Whether, how many, the tag, and whose container; `(null)` is what Charliecloud prints for no tag. */
function joinText(joining: Joining): string {
  if (joining.kind === 'tag') return `1 ${joining.peers ?? 0} ${joining.tag} 0`;
  return `0 0 (null) ${joining.kind === 'process' ? joining.pid : 0}`;
}

export function sayCommand(line: ChRunCommandLine, speaker: Speaker): void {
  speaker.note(`executing: ${line.command.map(shellQuoted).join(' ')}`);
}
