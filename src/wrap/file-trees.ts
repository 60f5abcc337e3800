// SPDX-License-Identifier: Apache-2.0
// Looking for programs in what an image is made of: a directory that will stand elsewhere, or a squashfs.
import { posix } from 'node:path';
import { openSquashfs } from '../formats/squashfs/index.ts';
import { listDirectoryIfPresentSync } from '../sys/files.ts';
import { createInputs } from '../sys/inputs.ts';
import { linkTargetIfPresent, statFollowed } from '../sys/place-files.ts';
import { readTreeEntry } from '../sys/file-tree.ts';
import { SlipwayError } from '../model/index.ts';
import type { ProgramTree } from './programs.ts';

const maxLinks = 40;

/** A directory at `root` that will stand at `place`; links in it are followed as they will lead then. */
export function directoryTree(root: string, place: string): ProgramTree {
  const onDisk = (path: string): string =>
    path === place || path.startsWith(`${place}/`) ? root + path.slice(place.length) : path;
  const kindOf: ProgramTree['kindOf'] = (path) => {
    let at = posix.normalize(path);
    for (let links = 0; links <= maxLinks; links += 1) {
      const target = linkTargetIfPresent(onDisk(at));
      if (target === undefined) {
        const stats = statFollowed(onDisk(at));
        if (stats === undefined) return links === 0 && !isThere(onDisk(at)) ? undefined : 'link';
        if (stats.isDirectory()) return 'directory';
        return stats.isFile() && (stats.mode & 0o111) !== 0 ? 'program' : 'file';
      }
      at = posix.resolve(posix.dirname(at), target);
    }
    return 'link';
  };
  return { kindOf, list: (directory) => listDirectoryIfPresentSync(onDisk(directory)) ?? [] };
}

function isThere(path: string): boolean {
  try {
    readTreeEntry(Buffer.from(path));
    return true;
  } catch {
    return false;
  }
}

/** A squashfs image. `use` must be done with it when it returns. @throws SlipwayError `squashfs-unrecognized`, `squashfs-damaged` */
export function withSquashfsTree<Result>(path: string, use: (tree: ProgramTree) => Result): Result {
  const inputs = createInputs({ environment: {}, cwd: '/' });
  const file = inputs.openFile(path);
  if (file === undefined) throw new SlipwayError('image-file-missing', { path });
  try {
    const image = openSquashfs({ image: path, read: file.read, sizeBytes: file.sizeBytes });
    return use({
      kindOf: (guestPath) => {
        const inode = image.lookup(guestPath);
        if (inode === undefined) return undefined;
        if (inode.kind === 'directory') return 'directory';
        if (inode.kind === 'symlink') return 'link';
        return inode.kind === 'file' && (inode.mode & 0o111) !== 0 ? 'program' : 'file';
      },
      list: (directory) => {
        const inode = image.lookup(directory);
        return inode?.kind === 'directory' ? [...image.readDirectory(inode)].map(({ name }) => name.toString()) : [];
      },
    });
  } finally {
    file.close();
  }
}
