// SPDX-License-Identifier: Apache-2.0
// Reads an image whole: every entry, every extended attribute, every block. There are no checksums in squashfs: what is
// found is what no longer decompresses, or leads nowhere.
import { damaged } from './damaged.ts';
import { storedLengthOf, type StoredBlock } from './data-blocks.ts';
import type { FileInode } from './inode.ts';
import type { SquashfsImage } from './reader.ts';

export type IntegrityProgress = { readonly checkedBytes: number; readonly totalBytes: number };

/**
 * Checks an image piece by piece: iterate to the end, in one go or with pauses.
 * @throws SlipwayError `squashfs-damaged` at the first damage
 */
export function* checkIntegrity(image: SquashfsImage): Generator<IntegrityProgress> {
  const { superblock, data, image: name } = image;
  const totalBytes = superblock.inodeTable;
  /** Files with more than one name, by where their inodes are. */
  const seenFiles = new Set<number>();
  const seenFragments = new Set<number>();
  /** Contents may share blocks, but then whole ones. */
  const seenBlocks = new Map<number, number>();
  let checkedBytes = 0;

  function* checkBlock(
    block: StoredBlock,
    lengthBytes: number,
    what: 'data' | 'fragment',
  ): Generator<IntegrityProgress> {
    if (block.sizeWord === 0) return;
    const seen = seenBlocks.get(block.start);
    if (seen === block.sizeWord) return;
    if (seen !== undefined) damaged(name, `a ${what} block`, block.start, 'two lengths are given for it');
    seenBlocks.set(block.start, block.sizeWord);
    data.decode(block, lengthBytes, what);
    checkedBytes += storedLengthOf(block.sizeWord);
    // Blocks that overlap could be listed without end.
    if (checkedBytes > totalBytes)
      damaged(name, `a ${what} block`, block.start, 'more blocks are listed than there are');
    yield { checkedBytes, totalBytes };
  }

  function* checkFile(file: FileInode): Generator<IntegrityProgress> {
    for (const block of data.blocksOf(file)) yield* checkBlock(block, block.lengthBytes, 'data');
    if (file.fragment === undefined) return;
    const { index } = file.fragment;
    if (!seenFragments.has(index)) {
      seenFragments.add(index);
      yield* checkBlock(image.fragmentAt(index), superblock.blockSizeBytes, 'fragment');
    }
    data.readTail(file);
  }

  image.readXattrs(image.root);
  for (const { inode } of image.walk()) {
    if (seenFiles.has(inode.reference)) continue;
    if (inode.nlink > 1 && inode.kind !== 'directory') seenFiles.add(inode.reference);
    image.readXattrs(inode);
    if (inode.kind === 'file') yield* checkFile(inode);
  }
  yield { checkedBytes, totalBytes };
}
