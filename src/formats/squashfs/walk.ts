// SPDX-License-Identifier: Apache-2.0
// Every entry of an image, once. An image can claim a directory to be inside itself, or one listing to be that of a
// million directories: what is walked is bounded by what the directory table really holds.
import { damaged } from './damaged.ts';
import type { DirectoryEntry } from './directory.ts';
import type { DirectoryInode, Inode } from './inode.ts';
import type { Resolved } from './resolve-path.ts';

const maxPathBytes = 65_536;

export type WalkContext = {
  readonly image: string;
  readonly root: DirectoryInode;
  readonly listDirectory: (directory: DirectoryInode) => Generator<DirectoryEntry>;
  readonly readEntry: (entry: DirectoryEntry) => Inode;
  /** What all listings together can amount to. */
  readonly countListingBytes: () => number;
};

/** A directory before what is in it, its entries in stored order; the root itself is not among them. */
export function* walkTree(context: WalkContext): Generator<Resolved> {
  const { image, root } = context;
  let listingBytesLeft = context.countListingBytes();
  const seen = new Set<number>();
  const open: { readonly path: Buffer; readonly entries: Generator<DirectoryEntry> }[] = [];

  const enter = (directory: DirectoryInode, path: Buffer): void => {
    const fail = (reason: string): never => damaged(image, `directory inode ${directory.inodeNumber}`, 0, reason);
    if (seen.has(directory.reference)) fail('it has two places in the tree');
    if (path.length > maxPathBytes) fail(`it is nested more than ${maxPathBytes} bytes deep`);
    listingBytesLeft -= directory.listing.lengthBytes;
    if (listingBytesLeft < 0) fail('the listings so far are longer than the directory table');
    seen.add(directory.reference);
    open.push({ path, entries: context.listDirectory(directory) });
  };

  enter(root, Buffer.alloc(0));
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const next = current.entries.next();
    if (next.done === true) {
      open.pop();
      continue;
    }
    const inode = context.readEntry(next.value);
    const path = Buffer.concat([current.path, Buffer.from('/'), next.value.name]);
    yield { inode, path };
    if (inode.kind === 'directory') enter(inode, path);
  }
}
