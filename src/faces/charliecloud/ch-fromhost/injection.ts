// SPDX-License-Identifier: Apache-2.0
// An injection: files are copied beside where they go, then renamed, while a journal in the image tells how each step is
// taken back. An injection that fails, or was cut off by a crash, is taken back; the last whole one can be.
import { dirname } from 'node:path';
import { SlipwayError } from '../../../model/index.ts';
import { listDirectoryIfPresentSync, readFileIfPresentSync } from '../../../sys/files.ts';
import { errnoOf, reasonOf } from '../../../sys/file-errors.ts';
import { writeFileInPlace } from '../../../sys/run-directory.ts';
import * as tree from '../../../sys/tree-edit.ts';

/** A step that was taken. Paths are relative to the image. */
type Done =
  | { readonly did: 'placed' | 'made-directory'; readonly path: string }
  | { readonly did: 'replaced'; readonly path: string; readonly saved: string }
  | { readonly did: 'mode'; readonly path: string; readonly mode: number }
  | { readonly did: 'linked'; readonly path: string; readonly before: string | undefined };

type Journal = { readonly state: 'begun' | 'done'; readonly steps: readonly Done[] };

export type Injection = {
  /** Copies a file of the host beside its destination; `edit` may change the copy. */
  readonly stage: (source: string, guestDirectory: string, edit?: (path: string) => Promise<void>) => Promise<void>;
  /** A file with this text. */
  readonly stageText: (text: string, guestPath: string) => void;
  readonly makeDirectory: (guestPath: string) => void;
  readonly remove: (guestPath: string) => void;
  readonly link: (target: string, guestPath: string) => void;
  /** Puts everything staged in its place, then lets ldconfig change libraries' links and cache. */
  readonly commit: (ldconfig: LibraryWork | undefined) => Promise<void>;
};

/** `directories`: where it may make links. */
export type LibraryWork = { readonly directories: readonly string[]; readonly run: () => Promise<void> };

const place = 'ch/fromhost';
const cacheFiles = ['etc/ld.so.cache', 'var/cache/ldconfig/aux-cache'];

/**
 * Runs `use` with an injection into the unpacked image at `root`, which people call `name`; when it rejects, the image is
 * as it was before.
 * @throws SlipwayError `charliecloud-fromhost`; what `use` throws, but for errors of the image's files
 */
export async function inject(
  root: string,
  given: { readonly name: string; readonly say: (text: string) => void },
  use: (injection: Injection) => Promise<void>,
): Promise<void> {
  try {
    await injectOrRestore(root, given, use);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    refuse(`cannot change image: ${given.name}: ${reasonOf(error)}`);
  }
}

async function injectOrRestore(
  root: string,
  given: { readonly name: string; readonly say: (text: string) => void },
  use: (injection: Injection) => Promise<void>,
): Promise<void> {
  takeBackUnfinished(root);
  const number = nextNumber(root);
  const own = `${place}/${number}`;
  const madeAbove = ['ch', place].filter((path) => !tree.isThere(`${root}/${path}`));
  for (const path of [...madeAbove, own, `${own}/saved`]) tree.makeDirectory(`${root}/${path}`);
  const steps: Done[] = madeAbove.map((path) => ({ did: 'made-directory', path }));
  const note = (step: Done): void => {
    steps.push(step);
    write('begun');
  };
  const write = (state: Journal['state']): void =>
    writeFileInPlace(`${root}/${own}/journal.json`, JSON.stringify({ state, steps }), 0o644);
  write('begun');

  const staged: { readonly temporary: string; readonly path: string }[] = [];
  const within = (path: string): string => path.slice(root.length + 1);
  const prepareDirectory = (guestDirectory: string): string => {
    const directory = tree.resolveInside(root, guestDirectory);
    if (directory === undefined || tree.entryKind(directory) !== 'directory') {
      return refuse(`not a directory: ${given.name}${guestDirectory}`);
    }
    const mode = tree.modeOf(directory);
    if ((mode & 0o200) === 0) {
      given.say(`${given.name}${guestDirectory} not writeable; fixing`);
      note({ did: 'mode', path: within(directory), mode });
      tree.setMode(directory, mode | 0o200);
    }
    return directory;
  };
  const stageAt = (directory: string, name: string): string => {
    const temporary = `${directory}/.ch-fromhost-${number}-${staged.length}`;
    // Noted before it is there: a step that was not taken is taken back all the same.
    note({ did: 'placed', path: within(temporary) });
    staged.push({ temporary, path: `${directory}/${name}` });
    return temporary;
  };
  /** Moves what stands at a path away, so that it can come back. */
  const save = (path: string): boolean => {
    const kind = tree.entryKind(path);
    if (kind === undefined) return false;
    if (kind === 'directory') refuse(`exists and is a directory: ${path}`);
    const saved = `${own}/saved/${steps.length}`;
    note({ did: 'replaced', path: within(path), saved });
    tree.move(path, `${root}/${saved}`);
    return true;
  };

  const injection: Injection = {
    stage: async (source, guestDirectory, edit) => {
      const directory = prepareDirectory(guestDirectory);
      const reason = tree.whyNoFile(source);
      if (reason !== undefined) refuse(`cannot inject: ${source}: ${reason}`);
      const temporary = stageAt(directory, source.slice(source.lastIndexOf('/') + 1));
      try {
        tree.copyContent(source, temporary);
      } catch (error) {
        refuse(`cannot inject: ${source}: ${reasonOf(error)}`);
      }
      await edit?.(temporary);
    },
    stageText: (text, guestPath) => {
      const directory = prepareDirectory(dirname(guestPath));
      const temporary = stageAt(directory, guestPath.slice(guestPath.lastIndexOf('/') + 1));
      writeFileInPlace(temporary, text, 0o644);
    },
    makeDirectory: (guestPath) => {
      const parts = guestPath.split('/').filter((part) => part !== '');
      parts.forEach((part, index) => {
        const above = tree.resolveInside(root, `/${parts.slice(0, index).join('/')}`) ?? root;
        const path = `${above}/${part}`;
        if (tree.entryKind(path) !== undefined) return;
        note({ did: 'made-directory', path: within(path) });
        tree.makeDirectory(path);
      });
    },
    remove: (guestPath) => {
      const directory = tree.resolveInside(root, dirname(guestPath));
      if (directory !== undefined) save(`${directory}${guestPath.slice(guestPath.lastIndexOf('/'))}`);
    },
    link: (target, guestPath) => {
      const directory = prepareDirectory(dirname(guestPath));
      const path = `${directory}${guestPath.slice(guestPath.lastIndexOf('/'))}`;
      if (!save(path)) note({ did: 'placed', path: within(path) });
      tree.makeLink(target, path);
    },
    commit: async (ldconfig) => {
      for (const { temporary, path } of staged) {
        if (!save(path)) note({ did: 'placed', path: within(path) });
        tree.move(temporary, path);
      }
      if (ldconfig !== undefined) await changeLibraries(root, ldconfig, { note, own, count: () => steps.length });
    },
  };
  try {
    await use(injection);
    write('done');
  } catch (error) {
    takeBack(root, steps);
    tree.removeAll(`${root}/${own}`);
    removeEmpty(root);
    throw error;
  }
}

/**
 * Takes the last injection back.
 * @throws SlipwayError `charliecloud-fromhost` where there is none
 */
export function undo(root: string): void {
  takeBackUnfinished(root);
  const number = numbers(root).at(-1);
  if (number === undefined) return refuse('nothing was injected that could be taken back');
  takeBackNumber(root, number);
}

/** Lets ldconfig work, and writes down what it changed: its cache, and links in the directories that it looks at. */
async function changeLibraries(
  root: string,
  ldconfig: LibraryWork,
  journal: { readonly note: (step: Done) => void; readonly own: string; readonly count: () => number },
): Promise<void> {
  for (const name of cacheFiles) {
    const path = tree.resolveInside(root, `/${name}`);
    if (path === undefined || tree.entryKind(path) !== 'file') {
      journal.note({ did: 'placed', path: name });
      continue;
    }
    const saved = `${journal.own}/saved/${journal.count()}`;
    tree.copyContent(path, `${root}/${saved}`);
    journal.note({ did: 'replaced', path: path.slice(root.length + 1), saved });
  }
  const directories = [...new Set(ldconfig.directories.map((path) => tree.resolveInside(root, path)))].filter(
    (path) => path !== undefined,
  );
  const before = new Map(directories.flatMap((path) => [...tree.linksIn(path)]));
  await ldconfig.run();
  for (const [path, target] of directories.flatMap((each) => [...tree.linksIn(each)])) {
    const was = before.get(path);
    if (was !== target) journal.note({ did: 'linked', path: path.slice(root.length + 1), before: was });
  }
}

function takeBack(root: string, steps: readonly Done[]): void {
  for (const step of steps.toReversed()) {
    const path = `${root}/${step.path}`;
    switch (step.did) {
      case 'placed':
        tree.removeFile(path);
        break;
      case 'made-directory':
        tree.removeEmptyDirectory(path);
        break;
      case 'replaced':
        // Not there where the step was only about to be taken.
        if (tree.entryKind(`${root}/${step.saved}`) !== undefined) tree.move(`${root}/${step.saved}`, path);
        break;
      case 'mode':
        tree.setMode(path, step.mode);
        break;
      case 'linked':
        tree.removeFile(path);
        if (step.before !== undefined) tree.makeLink(step.before, path);
        break;
      default:
        step satisfies never;
    }
  }
}

function takeBackNumber(root: string, number: string): void {
  const steps = readJournal(root, number)?.steps ?? [];
  takeBack(
    root,
    // Those above the journal are gone through last, when it is no longer in them.
    steps.filter((step) => !(step.did === 'made-directory' && place.startsWith(step.path))),
  );
  tree.removeAll(`${root}/${place}/${number}`);
  if (steps.some(({ path }) => path === place)) removeEmpty(root);
}

function takeBackUnfinished(root: string): void {
  for (const number of numbers(root).toReversed()) {
    if (readJournal(root, number)?.state !== 'done') takeBackNumber(root, number);
  }
}

function removeEmpty(root: string): void {
  for (const path of [place, 'ch']) tree.removeEmptyDirectory(`${root}/${path}`);
}

function numbers(root: string): readonly string[] {
  return (listDirectoryIfPresentSync(`${root}/${place}`) ?? []).filter((name) => /^\d{4}$/.test(name)).toSorted();
}

function nextNumber(root: string): string {
  return String(Number(numbers(root).at(-1) ?? 0) + 1).padStart(4, '0');
}

function readJournal(root: string, number: string): Journal | undefined {
  const bytes = readFileIfPresentSync(`${root}/${place}/${number}/journal.json`, { maxBytes: 64 << 20 });
  if (bytes === undefined) return undefined;
  try {
    const journal = JSON.parse(bytes.toString('utf8')) as Journal;
    const isInside = (path: unknown): boolean =>
      typeof path === 'string' && !path.startsWith('/') && !path.split('/').includes('..');
    const isSound = journal.steps.every(
      (step) => isInside(step.path) && (step.did !== 'replaced' || isInside(step.saved)),
    );
    return isSound ? journal : refuse(`the journal of an injection is damaged: ${root}/${place}/${number}`);
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    return refuse(`the journal of an injection is damaged: ${root}/${place}/${number}`);
  }
}

function refuse(reason: string): never {
  throw new SlipwayError('charliecloud-fromhost', { reason });
}
