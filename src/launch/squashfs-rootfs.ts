// SPDX-License-Identifier: Apache-2.0
// Looking into a squashfs that is not mounted. A module of its own: the decompressors that it needs take longer to load
// than planning a run of a directory takes.
import { openSquashfs, type Resolved } from '../formats/squashfs/index.ts';
import { hasCode, SlipwayError } from '../model/index.ts';
import type { Inputs } from '../sys/inputs.ts';
import { maxTextBytes, type Rootfs } from './rootfs.ts';

/** A squashfs image, whoever wrote it. @throws SlipwayError `squashfs-unrecognized`, `squashfs-damaged` */
export function openSquashfsRootfs(path: string, inputs: Inputs): Rootfs {
  const file = inputs.openFile(path);
  if (file === undefined) throw new SlipwayError('image-file-unknown', { path });
  const image = openSquashfs({ image: path, read: file.read, sizeBytes: file.sizeBytes });
  /** As a loader sees it: links that lead round in a circle lead nowhere. */
  const find = (guestPath: string): Resolved | undefined => {
    try {
      return image.resolve(guestPath);
    } catch (error) {
      if (hasCode(error, 'squashfs-symlink-loop')) return undefined;
      throw error;
    }
  };
  return {
    kindOf: (guestPath) => {
      const kind = find(guestPath)?.inode.kind;
      return kind === undefined ? undefined : kind === 'file' || kind === 'directory' ? kind : 'other';
    },
    openFile: (guestPath) => {
      const inode = find(guestPath)?.inode;
      if (inode?.kind !== 'file') return undefined;
      return {
        sizeBytes: inode.sizeBytes,
        read: (offset, length) => image.readFileRange(inode, offset, length),
        close: () => {},
      };
    },
    listDirectory: (guestPath) => {
      const inode = find(guestPath)?.inode;
      if (inode?.kind !== 'directory') return undefined;
      return [...image.readDirectory(inode)].map(({ name }) => name.toString('latin1'));
    },
    realPath: (guestPath) => find(guestPath)?.path.toString('utf8'),
    isEmptyDirectory: (guestPath) => {
      const inode = image.lookup(guestPath);
      return inode?.kind === 'directory' && image.readDirectory(inode).next().done === true;
    },
    readText: (guestPath) => {
      const inode = image.lookup(guestPath);
      return inode?.kind === 'file' && inode.sizeBytes <= maxTextBytes
        ? image.readFile(inode, maxTextBytes).toString('utf8')
        : undefined;
    },
    close: file.close,
  };
}
