// SPDX-License-Identifier: Apache-2.0
// Paths inside an image, as path_resolution(7) has it, with the image's root as both root and start: an absolute link
// and `..` never lead out.
import { SlipwayError } from '../../model/index.ts';
import type { DirectoryInode, Inode } from './inode.ts';

/** As Linux's MAXSYMLINKS. */
const maxSymlinks = 40;

export type Resolved = { readonly inode: Inode; /** Absolute, without links, `.` or `..`. */ readonly path: Buffer };

export type ResolveContext = {
  readonly image: string;
  readonly root: DirectoryInode;
  readonly findChild: (directory: DirectoryInode, name: Buffer) => Inode | undefined;
};

const slash = 0x2f;

/**
 * Finds what `path` leads to; undefined where a component is not there or is no directory.
 * @param followLast whether a symbolic link at the end is followed; one before is always
 * @throws SlipwayError `squashfs-symlink-loop` after 40 links
 */
export function resolvePath(context: ResolveContext, path: Buffer, followLast: boolean): Resolved | undefined {
  /** Components still to go, the next one last. */
  const ahead = splitPath(path).reverse();
  const trail: { readonly name: Buffer; readonly inode: Inode }[] = [];
  const mustBeDirectory = path.at(-1) === slash;
  let links = 0;

  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    const current = trail.at(-1)?.inode ?? context.root;
    if (current.kind !== 'directory') return undefined;
    if (isDot(name)) continue;
    if (isDotDot(name)) {
      trail.pop();
      continue;
    }
    const inode = context.findChild(current, name);
    if (inode === undefined) return undefined;
    if (inode.kind !== 'symlink' || (ahead.length === 0 && !followLast && !mustBeDirectory)) {
      trail.push({ name, inode });
      continue;
    }
    if (++links > maxSymlinks) {
      throw new SlipwayError('squashfs-symlink-loop', {
        image: context.image,
        path: path.toString(),
        limit: maxSymlinks,
      });
    }
    if (inode.target[0] === slash) trail.length = 0;
    // What follows a link's trailing slash, or nothing, must be a directory: `.` says so.
    if (inode.target.at(-1) === slash) ahead.push(Buffer.from('.'));
    ahead.push(...splitPath(inode.target).reverse());
  }

  const inode = trail.at(-1)?.inode ?? context.root;
  if (mustBeDirectory && inode.kind !== 'directory') return undefined;
  const slashBytes = Buffer.from('/');
  const parts = trail.flatMap(({ name }) => [slashBytes, name]);
  return { inode, path: parts.length === 0 ? slashBytes : Buffer.concat(parts) };
}

function splitPath(path: Buffer): Buffer[] {
  const components: Buffer[] = [];
  for (let start = 0; start < path.length;) {
    const next = path.indexOf(slash, start);
    const end = next < 0 ? path.length : next;
    if (end > start) components.push(path.subarray(start, end));
    start = end + 1;
  }
  return components;
}

function isDot(name: Buffer): boolean {
  return name.length === 1 && name[0] === 0x2e;
}

function isDotDot(name: Buffer): boolean {
  return name.length === 2 && name[0] === 0x2e && name[1] === 0x2e;
}
