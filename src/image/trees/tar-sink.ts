// SPDX-License-Identifier: Apache-2.0
// A tree as a tar archive (POSIX pax), the root as `./`. The same tree gives the same bytes.
import { encodeTarHeader, paddingAfter } from '../../formats/tar/index.ts';
import { createTarOutput } from './tar-output.ts';
import type { TreeEntry, TreeSink } from './tree.ts';

export type TarSink = TreeSink & {
  /** Ends the archive; all of it has been handed to `write` when this resolves. */
  readonly finish: () => Promise<void>;
};

export type TarSinkOptions = {
  /** Must have taken the bytes when it resolves. */
  readonly write: (chunk: Buffer) => Promise<void>;
  /**
   * Whether the archive is to be a layer of an image, in which names beginning with `.wh.` mean removals: they are left out
   * then, and counted by `onWhiteoutName`.
   */
  readonly isLayer: boolean;
  readonly onWhiteoutName: () => void;
};

export function createTarSink({ write, isLayer, onWhiteoutName }: TarSinkOptions): TarSink {
  const output = createTarOutput(write);
  const touched = isLayer ? undefined : createTouchedDirectories();
  let contentBytes = 0;
  let isSkipped = false;
  return {
    entry: (entry) => {
      contentBytes = 0;
      isSkipped = isLayer && hasWhiteoutName(entry);
      if (isSkipped) {
        onWhiteoutName();
        return;
      }
      touched?.see(entry);
      output.add(headerOf(entry));
    },
    content: (chunk) => {
      contentBytes += chunk.length;
      // Lent buffers may be filled again before they are written.
      if (!isSkipped) output.add(Buffer.from(chunk));
    },
    hole: (sizeBytes) => {
      contentBytes += sizeBytes;
      if (!isSkipped) output.addZeros(sizeBytes);
    },
    contentEnd: () => {
      if (!isSkipped) output.addZeros(paddingAfter(contentBytes));
    },
    drain: output.drain,
    finish: async () => {
      for (const entry of touched?.entries() ?? []) output.add(headerOf(entry));
      await output.finish();
    },
  };
}

const dot = Buffer.from('.');
const rootPath = Buffer.from('./');

function headerOf(entry: TreeEntry): Buffer {
  return encodeTarHeader(entry.path.equals(dot) ? { ...entry, path: rootPath } : entry);
}

/**
 * Directories that get an entry after they have been left. GNU tar sets a directory's time when it leaves it, so what
 * comes into it later makes it young again; a second entry at the end sets that right.
 */
function createTouchedDirectories(): {
  readonly see: (entry: TreeEntry) => void;
  readonly entries: () => Iterable<TreeEntry>;
} {
  const directories = new Map<string, TreeEntry>();
  const touched = new Set<string>();
  /** The directory that is being filled; those above it are too. */
  let current = '.';
  /** With those above, whose time GNU tar may change when it meets one of those below again. */
  const touch = (path: string): void => {
    for (let at = path; !touched.has(at); at = parentOf(at)) touched.add(at);
  };
  return {
    see: (entry) => {
      const path = entry.path.toString('latin1');
      const parent = parentOf(path);
      if (path !== '.' && !isWithin(current, parent)) touch(parent);
      if (entry.type === 'directory') directories.set(path, { ...entry, path: Buffer.from(entry.path) });
      current = entry.type === 'directory' ? path : parent;
    },
    entries: () => [...touched].sort().flatMap((path) => directories.get(path) ?? []),
  };
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash);
}

/** Whether `path` is `directory` or below it. */
function isWithin(path: string, directory: string): boolean {
  return directory === '.' || path === directory || path.startsWith(`${directory}/`);
}

/** Whether a component of its path begins with `.wh.`. */
function hasWhiteoutName({ path }: TreeEntry): boolean {
  const text = path.toString('latin1');
  return text.startsWith('.wh.') || text.includes('/.wh.');
}
