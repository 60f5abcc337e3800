// SPDX-License-Identifier: Apache-2.0
// The entries of directories in order, looked at before it is their turn: on a parallel or network file system, or a disk
// that must seek, the time goes in waiting for one answer after another. Where answers come at once, from memory, asking
// ahead costs more than it gains: it begins when entries are found to be slow, and goes on from then.
import type { DirectoryHandle, ReadableFile } from '../../sys/directory-handle.ts';

/** Entries that are looked at ahead of their turn, each with a descriptor and up to 64 KiB. */
const mostAhead = 96;
/** Of them in one directory: what is in those that come next is wanted before those that come later. */
const mostInDirectory = 12;
/** Of a stat and an open that nobody has to wait for, many times over. */
const slowMs = 0.25;
/** Most of so many have to be slow: a process that has to wait for a processor is slow now and then. */
const sampleEntries = 32;

/** What a name in a directory stands for; whoever has it closes the file or the directory. */
export type FoundEntry = {
  readonly stats: ReturnType<DirectoryHandle['stat']>;
  readonly file?: ReadableFile;
  readonly directory?: OpenDirectory;
};

/** A directory whose entries are taken one after the other. */
export type OpenDirectory = {
  readonly handle: DirectoryHandle;
  /** From the tree's root on; empty for that itself. */
  readonly path: Buffer;
  /** The next name, and what it stands for, which is to be asked for once; undefined at the end. */
  readonly next: () => NextEntry | undefined;
  /** Nothing of the directory is in use any more, whether or not all entries were asked for. */
  readonly close: () => Promise<void>;
};

export type NextEntry = {
  readonly name: Buffer;
  readonly path: Buffer;
  /** @throws what system calls throw */
  readonly find: () => Promise<FoundEntry> | FoundEntry;
};

/** @param options.isLeftOut of paths that are passed over */
export function openTree(
  root: DirectoryHandle,
  options: { readonly isLeftOut: (path: Buffer) => boolean; readonly now: () => number },
): OpenDirectory {
  let ahead = 0;
  let isSlow = false;
  let [sampled, slow] = [0, 0];

  function findNow(parent: DirectoryHandle, name: Buffer, path: Buffer): FoundEntry {
    const begun = options.now();
    const stats = parent.stat(name);
    const found = stats.isFile()
      ? { stats, file: parent.openFile(name) }
      : stats.isDirectory()
        ? { stats, directory: openListed(parent.openDirectory(name), path) }
        : { stats };
    if (options.now() - begun > slowMs) slow += 1;
    if (++sampled === sampleEntries) {
      isSlow = slow > sampleEntries / 2;
      [sampled, slow] = [0, 0];
    }
    return found;
  }

  function openListed(handle: DirectoryHandle, path: Buffer): OpenDirectory {
    try {
      return open(handle, path, handle.list());
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  async function findAhead(parent: DirectoryHandle, name: Buffer, path: Buffer): Promise<FoundEntry> {
    const { stats, file, directory } = await parent.examine(name);
    if (file !== undefined) return { stats, file };
    return directory === undefined ? { stats } : { stats, directory: open(directory.handle, path, directory.names) };
  }

  function open(handle: DirectoryHandle, path: Buffer, names: readonly Buffer[]): OpenDirectory {
    const entries = names
      .map((name) => ({ name, path: path.length === 0 ? name : Buffer.concat([path, slash, name]) }))
      .filter((entry) => !options.isLeftOut(entry.path));
    const begun: Promise<FoundEntry>[] = [];
    let [taken, next] = [0, 0];

    const begin = (): void => {
      const entry = entries[next];
      if (entry === undefined) return;
      next += 1;
      ahead += 1;
      const found = findAhead(handle, entry.name, entry.path);
      // It is told of where it is asked for; nobody may ask.
      found.catch(() => undefined);
      begun.push(found);
    };
    const fill = (): void => {
      if (!isSlow) return;
      const room = Math.min(mostInDirectory - begun.length, mostAhead - ahead, entries.length - next);
      for (let count = 0; count < room; count++) begin();
    };
    fill();
    return {
      handle,
      path,
      next() {
        const entry = entries[taken];
        if (entry === undefined) return undefined;
        taken += 1;
        return {
          ...entry,
          find() {
            fill();
            const found = begun.shift();
            if (found !== undefined) {
              ahead -= 1;
              return found;
            }
            next = taken;
            return findNow(handle, entry.name, entry.path);
          },
        };
      },
      async close() {
        const outcomes = await Promise.allSettled(begun);
        ahead -= outcomes.length;
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') continue;
          outcome.value.file?.close();
          await outcome.value.directory?.close();
        }
        if (handle !== root) handle.close();
      },
    };
  }

  return open(root, Buffer.alloc(0), root.list());
}

const slash = Buffer.from('/');
