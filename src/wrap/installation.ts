// SPDX-License-Identifier: Apache-2.0
// What stands in the directory of an installation:
//
//   bin -> .bin-ID     the wrappers, all one file (the launcher), and their plan
//   img.sqfs -> …      what is installed; the plan names .img-ID.sqfs itself
//   common.sh          by which Tykky's own tools know an installation
//   share/             conf.yaml, VERSION.yml, what went into it, and the record of what is installed
//
// Who resolves links finds wrappers as .bin-ID/NAME: inside, and after updates, that is another name of bin.
//
// One rename, of the link `bin`, makes a new one take the place of the old: programs that run keep what they have open,
// and who starts a program finds the old or the new one whole.
import { join } from 'node:path';
import { type Plan, SlipwayError, wrapperPlanName } from '../model/index.ts';
import { encodePlan } from '../plan/index.ts';
import { listDirectoryIfPresentSync, removeTree, statIfPresent, writeFileAtomic } from '../sys/files.ts';
import {
  copyFile,
  linkOrCopy,
  linkTargetIfPresent,
  makeDirectory,
  makeSymlink,
  replaceSymlink,
} from '../sys/place-files.ts';
import { temporaryName } from '../sys/process-identity.ts';

export type NewInstallation = {
  readonly prefix: string;
  readonly id: string;
  readonly plan: Plan;
  readonly build: string;
  readonly wrapper: string;
  /** Names of wrappers; in a container, with what each leads to. */
  readonly programs: ReadonlyMap<string, string>;
  /** Whether `_bin` says what each name is inside. */
  readonly hasLinks: boolean;
  /** By the names under which people look for it: the file that stands there, in the prefix, or elsewhere. */
  readonly images: readonly { readonly name: string; readonly target: string }[];
  /** Of share/, by path. */
  readonly texts: ReadonlyMap<string, string>;
  /** What the umask leaves of a file's mode. */
  readonly fileMode: number;
  /** Waits for as long as a program may take that has found the old installation, to open what it needs of it. */
  readonly letOthersOpen: () => Promise<void>;
};

const wrapperDirectory = (id: string): string => `.bin-${id}`;

/** The names that the directory of wrappers has or once had, the present one first. */
export function wrapperDirectories(prefix: string, id: string): readonly string[] {
  const own = wrapperDirectory(id);
  return [own, ...namesIn(prefix).filter((name) => /^\.bin-[0-9a-f]+$/.test(name) && name !== own)];
}

/** The file name of an image that is being written for an installation. */
export function imageFileName(id: string): string {
  return `.img-${id}.sqfs`;
}

/** The same of the container in which it runs. */
export function containerFileName(id: string): string {
  return `.base-${id}.sqfs`;
}

/** @throws SlipwayError `wrap-prefix-occupied` where something else stands in the way. */
export async function checkPrefix(prefix: string): Promise<void> {
  const bin = join(prefix, 'bin');
  const stats = await statIfPresent(bin);
  if (stats === undefined || isOurs(prefix) || (await statIfPresent(join(prefix, 'common.sh'))) !== undefined) return;
  throw new SlipwayError('wrap-prefix-occupied', { path: prefix, name: 'bin' });
}

/** Whether an installation of ours stands there. */
export function isOurs(prefix: string): boolean {
  return /^\.bin-[0-9a-f]+$/.test(linkTargetIfPresent(join(prefix, 'bin')) ?? '');
}

/**
 * Puts an installation in place. Until the last moment all of it stands under names that nobody uses; what was there
 * before goes afterwards. On failure nothing of the new one is left.
 */
export async function placeInstallation(made: NewInstallation): Promise<void> {
  const { prefix, id } = made;
  const wrappers = join(prefix, wrapperDirectory(id));
  try {
    makeDirectory(wrappers, 0o777);
    await fillWrappers(wrappers, made);
    await makeRoomForLink(join(prefix, 'bin'));
    await writeTexts(made);
    replaceSymlink(wrapperDirectory(id), join(prefix, 'bin'), join(prefix, `.bin.${temporaryName()}`));
  } catch (error) {
    await removeTree(wrappers);
    throw error;
  }
  for (const { name, target } of made.images) {
    await makeRoomForLink(join(prefix, name));
    replaceSymlink(target, join(prefix, name), join(prefix, `.${name}.${temporaryName()}`));
  }
  if (made.hasLinks) await placeLinks(made);
  const former = formerNames(prefix, id);
  if (former.length === 0) return;
  await made.letOthersOpen();
  for (const name of former) {
    await removeTree(join(prefix, name));
    if (name.startsWith('.bin-')) makeSymlink('bin', join(prefix, name));
  }
}

async function fillWrappers(wrappers: string, made: NewInstallation): Promise<void> {
  await writeFileAtomic(join(wrappers, wrapperPlanName), encodePlan(made.plan, made.build, 0n), {
    // The launcher believes no plan that others may write.
    mode: made.fileMode & 0o644,
  });
  const executable = made.fileMode | ((made.fileMode & 0o444) >> 2);
  let first: string | undefined;
  for (const name of new Set([...made.programs.keys(), ...ownPrograms])) {
    const path = join(wrappers, name);
    if (first === undefined) copyFile(made.wrapper, path, executable);
    else linkOrCopy(first, path);
    first ??= path;
  }
}

/** Run any command, or a shell, in the installation. */
const ownPrograms: readonly string[] = ['_debug_exec', '_debug_shell'];

/** What they are on the machine itself: env runs any command, whatever it is itself called. */
export const ownLinks: ReadonlyMap<string, string> = new Map([
  ['_debug_exec', '/usr/bin/env'],
  ['_debug_shell', '/bin/bash'],
]);

/** In a container, whose programs may all be one that goes by its name. */
export const ownScripts: ReadonlyMap<string, string> = new Map([
  ['_debug_exec', '#!/bin/sh\nexec "$@"\n'],
  ['_debug_shell', '#!/bin/sh\nexec /bin/sh "$@"\n'],
]);

/** An installation of Tykky itself has directories and files where ours has links. */
async function makeRoomForLink(path: string): Promise<void> {
  const stats = await statIfPresent(path);
  if (stats !== undefined && !stats.isSymbolicLink()) await removeTree(path);
}

async function placeLinks({ prefix, programs, fileMode }: NewInstallation): Promise<void> {
  const links = join(prefix, '_bin');
  await removeTree(links);
  makeDirectory(links, 0o777);
  for (const [name, target] of programs) makeSymlink(target, join(links, name));
  for (const [name, text] of ownScripts) await writeFileAtomic(join(links, name), text, { mode: fileMode | 0o111 });
}

async function writeTexts({ prefix, texts, fileMode }: NewInstallation): Promise<void> {
  for (const [name, text] of texts) {
    const path = join(prefix, name);
    await ensureParents(prefix, name);
    await writeFileAtomic(path, text, { mode: fileMode });
  }
}

async function ensureParents(prefix: string, name: string): Promise<void> {
  const parts = name.split('/').slice(0, -1);
  for (let count = 1; count <= parts.length; count += 1) {
    const path = join(prefix, ...parts.slice(0, count));
    if ((await statIfPresent(path)) === undefined) makeDirectory(path, 0o777);
  }
}

/** Wrappers and images that are no longer used. Programs that run keep what they have open. */
function formerNames(prefix: string, id: string): readonly string[] {
  return namesIn(prefix).filter((name) => {
    const former = /^\.(?:bin|img|base)-([0-9a-f]+)(?:\.sqfs)?$/.exec(name)?.[1];
    return former !== undefined && former !== id && linkTargetIfPresent(join(prefix, name)) === undefined;
  });
}

function namesIn(prefix: string): readonly string[] {
  return listDirectoryIfPresentSync(prefix) ?? [];
}
