// SPDX-License-Identifier: Apache-2.0
// A tree as files below a new directory. Each component is opened by itself and no link is followed, so that whatever an
// image holds, nothing is written outside. Directories get their modes and times when all is in them.
import { SlipwayError } from '../../model/index.ts';
import { type DirectoryHandle, openDirectoryHandle, type WritableFile } from '../../sys/directory-handle.ts';
import { attemptingSync, errnoOf, reasonOf, toFileError } from '../../sys/file-errors.ts';
import { showName } from '../convert/layer-errors.ts';
import type { TreeWarnings } from './tree-warnings.ts';
import { writeTreeXattrs } from './tree-xattrs.ts';
import type { TreeEntry, TreeSink } from './tree.ts';

export type DirectorySinkOptions = {
  /** An empty directory of this user's alone (0700). */
  readonly path: string;
  /** Whether files get the owners that the tree says: only root can. */
  readonly keepsOwners: boolean;
  /** Whether files keep their set-user-ID and set-group-ID bits. */
  readonly keepsSetuid: boolean;
  readonly warnings: TreeWarnings;
  readonly searchPath: string;
  readonly signal: AbortSignal;
};

export type DirectorySink = TreeSink & {
  /** Sets the attributes of directories; the tree is complete then. */
  readonly finish: () => Promise<void>;
  /** Lets go of what is open, also after a failure. */
  readonly close: () => void;
};

const setuidBits = 0o6000;
const slash = 0x2f;

export function createDirectorySink(options: DirectorySinkOptions): DirectorySink {
  const { warnings } = options;
  const root = attemptingSync('open the directory', options.path, () => openDirectoryHandle(options.path));
  /** The directories on the way to the last entry. */
  const chain: { readonly name: Buffer; readonly handle: DirectoryHandle }[] = [];
  const directories: { readonly path: Buffer; readonly entry: TreeEntry }[] = [];
  const leftOut = new Set<string>();
  const xattrs = new Map<string, ReadonlyMap<string, Buffer>>();
  let file: WritableFile | undefined;
  let current: TreeEntry | undefined;

  const directoryAt = (parts: readonly Buffer[]): DirectoryHandle => {
    let depth = 0;
    while (depth < parts.length && depth < chain.length && chain[depth]?.name.equals(parts[depth] ?? none) === true) {
      depth += 1;
    }
    for (const { handle } of chain.splice(depth).reverse()) handle.close();
    for (const part of parts.slice(depth)) {
      const handle = (chain.at(-1)?.handle ?? root).openDirectory(part);
      // The lent bytes of an entry do not last.
      chain.push({ name: Buffer.from(part), handle });
    }
    return chain.at(-1)?.handle ?? root;
  };
  const attributes = (entry: TreeEntry): { mode: number; mtimeSec: number; owner?: { uid: number; gid: number } } => {
    const { mode, mtimeSec, uid, gid } = entry;
    const isStripped = !options.keepsSetuid && entry.type === 'file' && (mode & setuidBits) !== 0;
    if (isStripped) warnings.count('setuid-dropped');
    const owner = options.keepsOwners ? { owner: { uid, gid } } : {};
    return { mode: isStripped ? mode & ~setuidBits : mode, mtimeSec, ...owner };
  };

  const place = (entry: TreeEntry): void => {
    if (entry.xattrs.size > 0) xattrs.set(entry.path.toString('latin1'), entry.xattrs);
    const parts = splitPath(entry.path);
    const name = parts.pop();
    if (name === undefined) {
      if (entry.type === 'directory') directories.push({ path: Buffer.alloc(0), entry });
      return;
    }
    const parent = directoryAt(parts);
    switch (entry.type) {
      case 'directory':
        parent.makeDirectory(name, 0o700);
        directories.push({ path: Buffer.from(entry.path), entry: { ...entry, path: none } });
        return;
      case 'file':
        file = parent.createFile(name);
        return;
      case 'symlink':
        parent.makeSymlink(name, entry.linkTarget);
        if (options.keepsOwners) parent.setLinkOwner(name, entry.uid, entry.gid);
        parent.setLinkTime(name, entry.mtimeSec);
        return;
      case 'hardlink': {
        const targetParts = splitPath(entry.linkTarget);
        // Another name of what is left out is left out too.
        if (leftOut.has(keyOf(targetParts))) {
          leftOut.add(keyOf(splitPath(entry.path)));
          return;
        }
        const targetName = targetParts.pop() ?? none;
        // The one descriptor is kept while the chain moves to the other directory.
        const targetParent = openBelow(root, targetParts);
        try {
          parent.makeHardLink(name, targetParent, targetName);
        } finally {
          targetParent.close();
        }
        return;
      }
      case 'fifo':
        leftOut.add(keyOf(splitPath(entry.path)));
        warnings.count('fifos-dropped');
        return;
      case 'character-device':
      case 'block-device':
        leftOut.add(keyOf(splitPath(entry.path)));
        warnings.count('devices-dropped');
        return;
      default:
        entry.type satisfies never;
    }
  };

  return {
    entry: (entry) => {
      current = entry;
      attempt(options.path, entry.path, () => place(entry));
    },
    content: (chunk) => attempt(options.path, current?.path ?? none, () => file?.write(chunk)),
    hole: (sizeBytes) => file?.skip(sizeBytes),
    contentEnd: () => {
      const entry = current;
      if (file === undefined || entry === undefined) return;
      const ended = file;
      attempt(options.path, entry.path, () => ended.finish(attributes(entry)));
      file = undefined;
    },
    drain: () => {
      options.signal.throwIfAborted();
      return Promise.resolve();
    },
    finish: async () => {
      if (xattrs.size > 0) await writeTreeXattrs(options.path, xattrs, options);
      // The deepest first: those above may be closed to their owner.
      for (const { path, entry } of directories.reverse()) {
        attempt(options.path, path, () => directoryAt(splitPath(path)).setSelf(attributes(entry)));
      }
    },
    close: () => {
      file?.close();
      for (const { handle } of chain.splice(0).reverse()) handle.close();
      root.close();
    },
  };
}

const none = Buffer.alloc(0);

/** The components of a clean path; none for `.`. */
function splitPath(path: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < path.length;) {
    const end = path.indexOf(slash, start);
    const part = path.subarray(start, end < 0 ? path.length : end);
    if (part.length > 0 && !(part.length === 1 && part[0] === 0x2e)) parts.push(part);
    if (end < 0) break;
    start = end + 1;
  }
  return parts;
}

function keyOf(parts: readonly Buffer[]): string {
  return parts.map((part) => part.toString('latin1')).join('/');
}

function openBelow(root: DirectoryHandle, parts: readonly Buffer[]): DirectoryHandle {
  let at = openDirectoryHandle(`${root.path}/.`);
  for (const part of parts) {
    const next = at.openDirectory(part);
    at.close();
    at = next;
  }
  return at;
}

function attempt(directory: string, path: Buffer, work: () => void): void {
  try {
    work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (['EEXIST', 'ENOTDIR', 'ELOOP', 'ENOENT'].includes(errno)) {
      // Whoever made the stream promised otherwise.
      const reason = `it does not fit what came before it: ${reasonOf(error)} (${errno})`;
      const fields = { path: directory, entry: showName(path.toString('latin1')), reason };
      throw new SlipwayError('archive-entry-refused', fields, { cause: error });
    }
    throw toFileError(error, 'write', `${directory}/${showName(path.toString('latin1'))}`);
  }
}
