// SPDX-License-Identifier: Apache-2.0
// Data: a file's blocks lie one after another, each compressed by itself, a hole taking no space; what is left over at
// its end may lie in a fragment block together with the ends of other files.
import { SlipwayError } from '../../model/index.ts';
import { damaged } from './damaged.ts';
import type { Decompress } from './decompress.ts';
import type { FileInode } from './inode.ts';
import type { MetadataReader, MetadataTable, ReadAt } from './metadata-reader.ts';

/** In a block's size: it is stored as it is. */
export const uncompressedDataBit = 0x100_0000;

/** The length in a size word: unsigned, so that a hostile one is large and not negative. */
export function storedLengthOf(sizeWord: number): number {
  return (sizeWord & ~uncompressedDataBit) >>> 0;
}

/** A file with more blocks than this is not read at any offset: finding a block means adding up all before it. */
const maxBlocksBefore = 1 << 24;
const maxCachedBlocks = 8;

/** A stored block: where, and its size word: length and `uncompressedDataBit`. 0 is a hole of zeros. */
export type StoredBlock = { readonly start: number; readonly sizeWord: number };

export type DataContext = {
  readonly image: string;
  readonly read: ReadAt;
  readonly decompress: Decompress;
  readonly metadata: MetadataReader;
  readonly inodeTable: MetadataTable;
  readonly usedBytes: number;
  readonly blockSizeBytes: number;
  /** The fragment block with this index. */
  readonly fragmentAt: (index: number) => StoredBlock;
};

export type DataReader = {
  /**
   * `lengthBytes` bytes of `file` from `offsetBytes` on, fewer at its end; the caller bounds the length.
   * @throws SlipwayError `squashfs-damaged`; `squashfs-file-too-large` for an offset behind 2^24 blocks
   */
  readonly readRange: (file: FileInode, offsetBytes: number, lengthBytes: number) => Buffer;
  /** What `file` has in a fragment. */
  readonly readTail: (file: FileInode) => Buffer;
  /** The blocks of `file` in order, holes too, without its fragment; each with its decompressed length. */
  readonly blocksOf: (file: FileInode) => Generator<StoredBlock & { readonly lengthBytes: number }>;
  /** A block's bytes; `lengthBytes` is what they must amount to, or for a fragment block what they can at most. */
  readonly decode: (block: StoredBlock, lengthBytes: number, what: 'data' | 'fragment') => Buffer;
};

export function createDataReader(context: DataContext): DataReader {
  const { image, blockSizeBytes } = context;
  const decoded = new Map<string, Buffer>();

  function decode(block: StoredBlock, lengthBytes: number, what: 'data' | 'fragment'): Buffer {
    const fail = (reason: string, cause?: unknown): never =>
      damaged(image, `a ${what} block`, block.start, reason, cause);
    const key = `${block.start} ${block.sizeWord} ${lengthBytes}`;
    const cached = decoded.get(key);
    if (cached !== undefined) return cached;

    const storedLength = storedLengthOf(block.sizeWord);
    if (storedLength === 0 || storedLength > blockSizeBytes) fail(`it has ${storedLength} bytes`);
    if (block.start + storedLength > context.usedBytes) fail(`its ${storedLength} bytes run out of the image`);
    const stored = context.read(block.start, storedLength);
    if (stored.length < storedLength) fail('the file ends inside it');
    let bytes: Buffer;
    try {
      bytes = (block.sizeWord & uncompressedDataBit) === 0 ? context.decompress(stored, lengthBytes) : stored;
    } catch (cause) {
      return fail('it does not decompress', cause);
    }
    if (what === 'data' ? bytes.length !== lengthBytes : bytes.length > lengthBytes) {
      fail(`it has ${bytes.length} bytes decompressed instead of ${lengthBytes}`);
    }
    if (decoded.size >= maxCachedBlocks) {
      for (const oldest of decoded.keys()) {
        decoded.delete(oldest);
        break;
      }
    }
    decoded.set(key, bytes);
    return bytes;
  }

  function* blocksOf(file: FileInode): Generator<StoredBlock & { readonly lengthBytes: number }> {
    const position = { ...file.blockList };
    let start = file.firstBlock;
    for (let index = 0; index < file.blockCount; index++) {
      const sizeWord = context.metadata.take(context.inodeTable, position, 4).readUInt32LE(0);
      const lengthBytes = Math.min(blockSizeBytes, file.sizeBytes - index * blockSizeBytes);
      yield { start, sizeWord, lengthBytes };
      start += storedLengthOf(sizeWord);
      if (start > context.usedBytes)
        damaged(image, `file inode ${file.inodeNumber}`, start, 'it runs out of the image');
    }
  }

  function readTail(file: FileInode): Buffer {
    const tailLength = file.sizeBytes - file.blockCount * blockSizeBytes;
    if (file.fragment === undefined) return Buffer.alloc(0);
    const { index, offset } = file.fragment;
    const block = context.fragmentAt(index);
    const bytes = decode(block, blockSizeBytes, 'fragment');
    if (offset + tailLength > bytes.length) {
      damaged(image, `fragment ${index}`, block.start, `${tailLength} bytes at ${offset} of its ${bytes.length}`);
    }
    return bytes.subarray(offset, offset + tailLength);
  }

  return {
    decode,
    blocksOf,
    readTail,
    readRange(file, offsetBytes, lengthBytes) {
      const end = Math.min(file.sizeBytes, offsetBytes + lengthBytes);
      if (end <= offsetBytes) return Buffer.alloc(0);
      if (offsetBytes > maxBlocksBefore * blockSizeBytes) {
        throw new SlipwayError('squashfs-file-too-large', {
          image,
          size: file.sizeBytes,
          limit: maxBlocksBefore * blockSizeBytes,
        });
      }
      // Zeroed, for the holes.
      const output = Buffer.alloc(end - offsetBytes);
      let blockOffset = 0;
      for (const block of blocksOf(file)) {
        if (blockOffset >= end) break;
        if (block.sizeWord !== 0 && blockOffset + block.lengthBytes > offsetBytes) {
          copyInto(output, offsetBytes, decode(block, block.lengthBytes, 'data'), blockOffset);
        }
        blockOffset += block.lengthBytes;
      }
      if (blockOffset < end) copyInto(output, offsetBytes, readTail(file), blockOffset);
      return output;
    },
  };
}

/** Copies what `bytes`, which belong at `at` of the file, have in common with `output`, which begins at `outputAt`. */
function copyInto(output: Buffer, outputAt: number, bytes: Buffer, at: number): void {
  const from = Math.max(0, outputAt - at);
  bytes.copy(output, Math.max(0, at - outputAt), from, Math.min(bytes.length, outputAt + output.length - at));
}
