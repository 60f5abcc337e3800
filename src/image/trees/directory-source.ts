// SPDX-License-Identifier: Apache-2.0
// A directory on disk as a tree, in byte order of the names. It is walked by descriptors: a link, or a directory that
// someone replaces by a link meanwhile, never leads the reader elsewhere. Times are read to the second.
import { type Emit, type ImageConfig, type PullEvent, SlipwayError } from '../../model/index.ts';
import { systemClock } from '../../sys/clock.ts';
import { type DirectoryHandle, openDirectoryHandle, type ReadableFile } from '../../sys/directory-handle.ts';
import { attemptingSync, errnoOf, reasonOf } from '../../sys/file-errors.ts';
import { showName } from '../convert/layer-errors.ts';
import { type FoundEntry, type NextEntry, type OpenDirectory, openTree } from './read-ahead.ts';
import { createTreeWarnings, type TreeWarnings } from './tree-warnings.ts';
import type { ReadTreeOptions, TreeEntry, TreeOptions, TreeSink, TreeSource, TreeTotals } from './tree.ts';
import { readTreeXattrs, type TreeXattrs } from './tree-xattrs.ts';

export type TreeDirectory = {
  readonly path: string;
  readonly config: ImageConfig;
  readonly options: TreeOptions;
  /** Bytes of paths, from the directory on, that are passed over with all that is below them. */
  readonly leavesOut?: (path: string) => boolean;
  readonly emit: Emit<PullEvent>;
};

const chunkBytes = 1024 * 1024;
/** A run of zeros of a sparse file that is worth a hole: what most file systems allocate at once. */
const holeBytes = 64 * 1024;
const zeros = Buffer.alloc(holeBytes);

/**
 * The tree below a directory.
 * @throws as `toFileError` where there is no directory; from `read`: SlipwayError `tree-unreadable` with the entry that
 *   can't be read or changed meanwhile, `image-too-large`, `program-missing` (extended attributes)
 */
export function directoryTree(directory: TreeDirectory): TreeSource {
  const { path } = directory;
  const root = attemptingSync('open the directory', path, () => openDirectoryHandle(path));
  return {
    name: path,
    config: directory.config,
    read: async (sink, options) => {
      const warnings = createTreeWarnings();
      const xattrs =
        directory.options.xattrs === 'keep'
          ? await readTreeXattrs(path, { searchPath: directory.options.searchPath, signal: options.signal })
          : undefined;
      const totals = await readDirectory({ root, directory, warnings, xattrs }, sink, options);
      warnings.emitAll(directory.emit);
      return totals;
    },
    close: () => {
      root.close();
      return Promise.resolve();
    },
  };
}

async function readDirectory(
  opened: {
    readonly root: DirectoryHandle;
    readonly directory: TreeDirectory;
    readonly warnings: TreeWarnings;
    readonly xattrs: TreeXattrs | undefined;
  },
  sink: TreeSink,
  { signal, progress }: ReadTreeOptions,
): Promise<TreeTotals> {
  const { root, directory, warnings, xattrs } = opened;
  const { limits } = directory.options;
  const firstPaths = new Map<string, Buffer>();
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let entries = 0;
  let contentBytes = 0;
  let undrained = 0;
  const bound = (count: number, limit: number, what: string, option: string): void => {
    if (count > limit) throw new SlipwayError('image-too-large', { what, limit, option });
  };
  const pause = async (): Promise<void> => {
    undrained = 0;
    signal.throwIfAborted();
    await sink.drain();
    progress(contentBytes, undefined);
  };
  const reading = <T>(path: Buffer, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw unreadable(directory.path, path, error);
    }
  };

  const streamFile = async (file: ReadableFile, path: Buffer): Promise<void> => {
    const { stats } = file;
    if (!stats.isFile()) throw changed(directory.path, path, 'it was replaced while the directory was read');
    const sizeBytes = Number(stats.size);
    const isSparse = Number(stats.blocks) * 512 < sizeBytes;
    contentBytes += sizeBytes;
    bound(contentBytes, limits.maxContentBytes, 'bytes of content', 'maxContentBytes');
    sink.entry({ ...describe(stats, 'file', path, xattrs), sizeBytes });
    for (let left = sizeBytes; left > 0;) {
      const wanted = Math.min(left, buffer.length);
      const count = reading(path, () => file.read(buffer.subarray(0, wanted)));
      if (count < wanted) throw changed(directory.path, path, 'it became shorter while it was read');
      left -= count;
      giveContent(sink, buffer.subarray(0, count), isSparse);
      undrained += count;
      // The buffer is lent: before it is filled again, it has to be taken.
      if (left > 0 || undrained >= chunkBytes) await pause();
      else await sink.drain();
    }
    sink.contentEnd();
  };

  const find = async ({ path, find: look }: NextEntry): Promise<FoundEntry> => {
    try {
      return await look();
    } catch (error) {
      throw unreadable(directory.path, path, error);
    }
  };
  const visit = async (
    { stats, file }: FoundEntry,
    parent: DirectoryHandle,
    { name, path }: NextEntry,
  ): Promise<void> => {
    if (stats.isCharacterDevice() || stats.isBlockDevice()) {
      warnings.count('devices-dropped');
      return;
    }
    if (stats.isSocket()) {
      warnings.count('sockets-dropped');
      return;
    }
    entries += 1;
    bound(entries, limits.maxEntries, 'files', 'maxEntries');
    if (stats.isDirectory()) {
      sink.entry(describe(stats, 'directory', path, xattrs));
      return;
    }
    const key = stats.nlink > 1n ? `${stats.dev} ${stats.ino}` : undefined;
    const first = key === undefined ? undefined : firstPaths.get(key);
    if (first !== undefined) {
      sink.entry({ ...describe(stats, 'hardlink', path, undefined), linkTarget: first });
      return;
    }
    if (key !== undefined) firstPaths.set(key, path);
    if (file !== undefined) {
      await streamFile(file, path);
    } else if (stats.isSymbolicLink()) {
      const linkTarget = reading(path, () => parent.readLink(name));
      sink.entry({ ...describe(stats, 'symlink', path, xattrs), linkTarget });
    } else {
      sink.entry(describe(stats, 'fifo', path, xattrs));
    }
    undrained += 512;
    if (undrained >= chunkBytes) await pause();
  };

  const stack: OpenDirectory[] = [];
  try {
    entries += 1;
    sink.entry(describe(reading(dot, root.statSelf), 'directory', dot, xattrs));
    const isLeftOut = (path: Buffer): boolean => directory.leavesOut?.(path.toString('latin1')) === true;
    stack.push(reading(dot, () => openTree(root, { isLeftOut, now: systemClock.monotonicMs })));
    for (let parent = stack.at(-1); parent !== undefined; parent = stack.at(-1)) {
      const next = parent.next();
      if (next === undefined) {
        await parent.close();
        stack.pop();
        continue;
      }
      const found = await find(next);
      if (found.directory !== undefined) stack.push(found.directory);
      try {
        await visit(found, parent.handle, next);
      } finally {
        found.file?.close();
      }
    }
  } finally {
    for (const open of stack) await open.close();
  }
  await sink.drain();
  return { entries, contentBytes };
}

const dot = Buffer.from('.');

/** Hands bytes on, long runs of zeros of a sparse file as holes. */
function giveContent(sink: TreeSink, bytes: Buffer, isSparse: boolean): void {
  if (!isSparse) {
    sink.content(bytes);
    return;
  }
  let given = 0;
  for (let at = 0; at + holeBytes <= bytes.length; at += holeBytes) {
    if (!bytes.subarray(at, at + holeBytes).equals(zeros)) continue;
    if (at > given) sink.content(bytes.subarray(given, at));
    sink.hole(holeBytes);
    given = at + holeBytes;
  }
  if (given < bytes.length) sink.content(bytes.subarray(given));
}

type Stats = ReturnType<DirectoryHandle['stat']>;

function describe(stats: Stats, type: TreeEntry['type'], path: Buffer, xattrs: TreeXattrs | undefined): TreeEntry {
  return {
    type,
    path,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeSec: Math.max(0, Number(stats.mtimeNs / 1_000_000_000n)),
    mtimeNsec: 0,
    sizeBytes: 0,
    linkTarget: Buffer.alloc(0),
    devMajor: 0,
    devMinor: 0,
    xattrs: xattrs?.of(path) ?? new Map<string, Buffer>(),
  };
}

function unreadable(directory: string, path: Buffer, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  return changed(directory, path, `${reasonOf(error)} (${errno})`, error);
}

function changed(directory: string, path: Buffer, reason: string, cause?: unknown): SlipwayError {
  const fields = { path: directory, entry: showName(path.toString('latin1')), reason };
  return new SlipwayError('tree-unreadable', fields, cause === undefined ? {} : { cause });
}
