// SPDX-License-Identifier: Apache-2.0
// Whether a hook is for a container.
import type { HookFile } from './hook-file.ts';

/** What the conditions are about. */
export type HookSubject = {
  readonly annotations: ReadonlyMap<string, string>;
  /** argv[0] of the container's program. */
  readonly command: string | undefined;
  /** Whether the person or the site asked for mounts. */
  readonly hasBindMounts: boolean;
};

/** Sarus: every condition that is given must hold. podman and CRI-O: see oci-hooks(5); a command that matches decides. */
export function hookMatches(file: HookFile, subject: HookSubject): boolean {
  const { when, dialect } = file;
  const annotations =
    when.annotations === undefined
      ? undefined
      : when.isAnyEnough === true
        ? when.annotations.some((pair) => hasAnnotation(pair, subject))
        : when.annotations.every((pair) => hasAnnotation(pair, subject));
  const commands = when.commands?.some((pattern) => subject.command !== undefined && pattern.test(subject.command));
  const mounts = when.hasBindMounts === undefined ? undefined : subject.hasBindMounts === when.hasBindMounts;
  const all = [when.always, annotations, commands, mounts].filter((each) => each !== undefined);
  if (when.isAnyEnough === true) {
    return annotations === true || commands === true || (when.hasBindMounts === true && subject.hasBindMounts);
  }
  if (dialect === 'sarus') return all.every(Boolean);
  // There, a condition that is false or absent does not count; `hasBindMounts: false` can't hold.
  const isFor = [
    when.always === true ? true : undefined,
    annotations,
    when.hasBindMounts === true ? mounts : undefined,
  ];
  const given = isFor.filter((each) => each !== undefined);
  if (given.includes(false)) return false;
  return commands ?? given.length > 0;
}

function hasAnnotation([key, value]: readonly [RegExp, RegExp], { annotations }: HookSubject): boolean {
  for (const [name, text] of annotations) if (key.test(name) && value.test(text)) return true;
  return false;
}
