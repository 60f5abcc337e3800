// SPDX-License-Identifier: Apache-2.0
// Looking into an image that is not mounted. Guest paths are resolved as a process inside would resolve them; a link in
// an image never leads to a file of the host.
import type { LibraryTree } from '../host/index.ts';
import type { GuestKind } from '../plan/index.ts';
import type { Inputs } from '../sys/inputs.ts';

export type Rootfs = LibraryTree & {
  readonly kindOf: (guestPath: string) => GuestKind | undefined;
  readonly isEmptyDirectory: (guestPath: string) => boolean;
  /** A small text file; undefined where there is none, or something else stands there. */
  readonly readText: (guestPath: string) => string | undefined;
  readonly close: () => void;
};

export const maxTextBytes: number = 4 << 20;
const maxLinks = 40;

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
  const openFile: Rootfs['openFile'] = (guestPath) => {
    const found = find(guestPath);
    return found?.kind === 'file' ? inputs.openFile(found.path) : undefined;
  };
  return {
    kindOf: (guestPath) => find(guestPath)?.kind,
    openFile,
    listDirectory: (guestPath) => {
      const found = find(guestPath);
      return found?.kind === 'directory' ? inputs.listDirectory(found.path) : undefined;
    },
    realPath: (guestPath) => {
      const found = find(guestPath);
      return found === undefined ? undefined : found.path.slice(root.length) || '/';
    },
    isEmptyDirectory: (guestPath) => {
      const found = find(guestPath);
      return found?.kind === 'directory' && inputs.listDirectory(found.path)?.length === 0;
    },
    readText: (guestPath) => {
      const file = openFile(guestPath);
      try {
        return file !== undefined && file.sizeBytes <= maxTextBytes
          ? file.read(0, maxTextBytes).toString('utf8')
          : undefined;
      } finally {
        file?.close();
      }
    },
    close: () => {},
  };
}
