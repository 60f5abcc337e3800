// SPDX-License-Identifier: Apache-2.0

/** "hsqs" in a squashfs superblock, as a little-endian number. */
const squashfsMagic = 0x7371_7368;

/** How many bytes of a file `squashfsFault` wants. */
export const superblockBytes: number = 96;

/** Why a file is not to be imported as squashfs, by its first bytes and its size; undefined where it is whole. */
export function squashfsFault(superblock: Buffer, sizeBytes: number): string | undefined {
  const isSquashfs =
    superblock.length >= superblockBytes &&
    superblock.readUInt32LE(0) === squashfsMagic &&
    superblock.readUInt16LE(28) === 4;
  if (!isSquashfs) return 'it is no squashfs 4.0 image';
  return superblock.readBigUInt64LE(40) > BigInt(sizeBytes) ? 'the image is cut short' : undefined;
}
