// SPDX-License-Identifier: Apache-2.0
// Looking into an image that is not mounted: a directory or a squashfs. Guest paths are resolved as a process inside
// would resolve them; a link in an image never leads to a file of the host.
import { openSquashfs } from '../formats/squashfs/index.ts';
import { SlipwayError } from '../model/index.ts';
import type { GuestKind } from '../plan/index.ts';
import type { Inputs } from '../sys/inputs.ts';

export type Rootfs = {
  readonly kindOf: (guestPath: string) => GuestKind | undefined;
  readonly isEmptyDirectory: (guestPath: string) => boolean;
  /** A small text file; undefined where there is none, or something else stands there. */
  readonly readText: (guestPath: string) => string | undefined;
  readonly close: () => void;
};

const maxTextBytes = 4 << 20;
const maxLinks = 40;

/** A squashfs image, whoever wrote it. @throws SlipwayError `squashfs-unrecognized`, `squashfs-damaged` */
export function openSquashfsRootfs(path: string, inputs: Inputs): Rootfs {
  const file = inputs.openFile(path);
  if (file === undefined) throw new SlipwayError('image-file-unknown', { path });
  const image = openSquashfs({ image: path, read: file.read, sizeBytes: file.sizeBytes });
  return {
    kindOf: (guestPath) => {
      const kind = image.lookup(guestPath)?.kind;
      return kind === undefined ? undefined : kind === 'file' || kind === 'directory' ? kind : 'other';
    },
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

/** An unpacked image. */
export function openDirectoryRootfs(root: string, inputs: Inputs): Rootfs {
  const find = (guestPath: string): { readonly path: string; readonly kind: GuestKind } | undefined => {
    const todo = guestPath.split('/').filter((name) => name !== '' && name !== '.');
    const done: string[] = [];
    let kind: GuestKind = 'directory';
    for (let links = 0; todo.length > 0;) {
      const name = todo.shift() ?? '';
      if (name === '..') {
        done.pop();
        continue;
      }
      const entry = inputs.entryAt([root, ...done, name].join('/'));
      if (entry === undefined) return undefined;
      if (entry.kind !== 'link') {
        done.push(name);
        kind = entry.kind;
        continue;
      }
      links += 1;
      if (links > maxLinks) return undefined;
      if (entry.target.startsWith('/')) done.length = 0;
      todo.unshift(...entry.target.split('/').filter((part) => part !== '' && part !== '.'));
      kind = 'directory';
    }
    return { path: [root, ...done].join('/'), kind };
  };
  return {
    kindOf: (guestPath) => find(guestPath)?.kind,
    isEmptyDirectory: (guestPath) => {
      const found = find(guestPath);
      return found?.kind === 'directory' && inputs.listDirectory(found.path)?.length === 0;
    },
    readText: (guestPath) => {
      const found = find(guestPath);
      return found?.kind === 'file' ? inputs.readText(found.path, maxTextBytes) : undefined;
    },
    close: () => {},
  };
}
