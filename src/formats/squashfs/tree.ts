// SPDX-License-Identifier: Apache-2.0
// The tree of files that an image is encoded from, as its maker hands it over.
import type { Xattr } from './xattrs.ts';

type Attributes = {
  /** 0 to 0o7777. */
  readonly mode: number;
  /** 0 to 2³² − 1; at most 65,536 different ones in an image, uids and gids together. */
  readonly uid: number;
  readonly gid: number;
  /** Brought into 0 to 2³² − 1, which is what squashfs has room for. */
  readonly mtimeSec: number;
  readonly xattrs?: readonly Xattr[];
};
/**
 * For an inode with more than one name: entries with the same `link` are one file,
 * and say the same about it.
 */
type Linkable = { readonly link?: number | string };

export type TreeDirectory = Attributes & {
  readonly kind: 'directory';
  /** In any order, each name once. Called twice. */
  readonly children: () => Iterable<TreeEntry>;
};
/** `content` is a number that the image's maker has given to what the file holds. */
export type TreeFile = Attributes & Linkable & { readonly kind: 'file'; readonly content: number };
export type TreeSymlink = Attributes & Linkable & { readonly kind: 'symlink'; readonly target: Buffer };
export type TreeDevice = Attributes &
  Linkable & {
    readonly kind: 'block-device' | 'character-device';
    /** 0 to 4095. */
    readonly major: number;
    /** 0 to 1,048,575. */
    readonly minor: number;
  };
export type TreePipe = Attributes & Linkable & { readonly kind: 'fifo' | 'socket' };
export type TreeNode = TreeDirectory | TreeFile | TreeSymlink | TreeDevice | TreePipe;

/** A name of 1 to 255 bytes in a directory. */
export type TreeEntry = { readonly name: Buffer; readonly node: TreeNode };

/** Where in the image a file's content is. */
export type PlacedContent = {
  readonly sizeBytes: number;
  /** Offset of the first block; of no meaning when nothing is stored in blocks. */
  readonly firstBlock: number;
  /** A size word for each block: see `uncompressedDataBit`; 0 for a hole. */
  readonly sizeWords: ArrayLike<number>;
  /** Where the bytes after the blocks are. Without it the last block has them. */
  readonly fragment: { readonly index: number; readonly offset: number } | undefined;
};
