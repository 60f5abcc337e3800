// SPDX-License-Identifier: Apache-2.0
// Contents of files, as they come, to compressed blocks. Whole blocks of a content lie together; what is left at its
// end goes into a fragment block with the ends of its neighbours. Contents that are there already are not stored again:
// ends are compared before, runs of blocks after they are compressed. Where everything goes depends only on the contents
// and their order, not on what is ready first.
import { crc32 } from 'node:zlib';
import { isBlockSize, type StoredBlock, uncompressedDataBit } from '../../formats/squashfs/index.ts';
import { adoptPack } from './adopt-pack.ts';
import type { BlockCompressor } from './block-compressor.ts';
import { createBlockCutter, type Piece } from './block-cutter.ts';
import { createBufferPool } from './buffer-pool.ts';
import { createCommitQueue } from './commit-queue.ts';
import { type ContentTable, createContentTable } from './content-table.ts';
import type { DataArea } from './data-area.ts';
import { createFragmentPacker } from './fragment-packer.ts';
import type { Pack } from './pack-file.ts';

/** One content after another: `begin`, any number of `write` and `addZeros`, `end`. */
export type ContentWriter = {
  readonly begin: () => void;
  /** The next bytes, which are copied. */
  readonly write: (chunk: Buffer) => void;
  /** The next `count` bytes are zeros. */
  readonly addZeros: (count: number) => void;
  /** Ends the content and returns its number: 0, 1, 2, … */
  readonly end: () => number;
  /** To be awaited between large chunks: there is room for more. Throws what went wrong since. */
  readonly drain: () => Promise<void>;
  /**
   * Takes contents over from a pack of the same compression and block size, and returns their numbers here. No content
   * may be open. @throws SlipwayError `layer-pack-damaged`
   */
  readonly adopt: (
    pack: Pack,
    wanted: Iterable<number>,
    copied?: (bytes: number) => void,
  ) => Promise<(content: number) => number>;
  /** All is compressed and appended to the data area. No content may follow. */
  readonly finish: () => Promise<{ readonly contents: ContentTable; readonly fragments: readonly StoredBlock[] }>;
};

type OpenContent = {
  sizeBytes: number;
  /** Of whole blocks, filled in as they are committed. */
  readonly sizeWords: number[];
  blockCount: number;
  firstBlock: number;
  /** Over the blocks as they are stored, of which there are so many bytes. */
  checksum: number;
  storedBytes: number;
};

const minBytesUnderWay = 8 * 1024 * 1024;

export function createContentWriter(
  area: DataArea,
  compressor: BlockCompressor,
  options: { readonly blockSizeBytes: number; readonly signal: AbortSignal },
): ContentWriter {
  const { blockSizeBytes, signal } = options;
  if (!isBlockSize(blockSizeBytes)) throw new RangeError(`${blockSizeBytes} is no block size of squashfs`);
  const queue = createCommitQueue(Math.max(minBytesUnderWay, 2 * compressor.underWay * blockSizeBytes));
  const contents = createContentTable();
  const zeros = Buffer.alloc(blockSizeBytes);
  const pool = createBufferPool(blockSizeBytes);
  /** By checksum and length, the first content with such a run of blocks. */
  const knownRuns = new Map<string, number>();
  const knownAdoptedRuns = new Map<string, number>();

  let current: OpenContent | undefined;
  const cutter = createBlockCutter(pool, blockSizeBytes, addBlock);
  const packer = createFragmentPacker(pool, blockSizeBytes, (piece, stored) => addStored(piece, stored));

  /** Compresses a piece and appends it in its turn. */
  function addStored({ bytes, release }: Piece, appended: (at: StoredBlock, stored: Buffer) => void): void {
    queue.add(bytes.length, compressor.compress(bytes), (stored) => {
      const isCompressed = stored !== bytes;
      const sizeWord = isCompressed ? stored.length : stored.length | uncompressedDataBit;
      appended({ start: area.end(), sizeWord }, stored);
      return area.append(stored, release);
    });
  }

  function opened(): OpenContent {
    if (current === undefined) throw new Error('no content has begun');
    return current;
  }

  function addBlock(piece: Piece): void {
    const content = opened();
    const index = content.blockCount++;
    if (piece.bytes.equals(zeros)) {
      content.sizeWords[index] = 0;
      piece.release();
      return;
    }
    addStored(piece, ({ start, sizeWord }, stored) => {
      if (content.storedBytes === 0) content.firstBlock = start;
      content.checksum = crc32(stored, content.checksum);
      content.storedBytes += stored.length;
      content.sizeWords[index] = sizeWord;
    });
  }

  /** What follows `blockCount` whole blocks. */
  function addTail(number: number, content: OpenContent, tail: Buffer): void {
    if (content.blockCount > 0 && tail.equals(zeros.subarray(0, tail.length))) {
      content.sizeWords[content.blockCount++] = 0;
    } else {
      contents.setFragment(number, packer.add(tail));
    }
  }

  /** Once its blocks are appended: keeps them, or takes them back where another content has the same. */
  function placeBlocks(number: number, content: OpenContent): Promise<void> | void {
    const { sizeWords, firstBlock, checksum, storedBytes } = content;
    contents.setBlocks(number, storedBytes === 0 ? 0 : firstBlock, sizeWords);
    if (storedBytes === 0) return undefined;
    const key = `${checksum} ${storedBytes} ${sizeWords.length}`;
    const known = knownRuns.get(key);
    if (known !== undefined) return shareBlocks(number, content, known);
    knownRuns.set(key, number);
    return undefined;
  }

  /** Takes the blocks back, if the `known` content's are really the same: a checksum only says that they may be. */
  async function shareBlocks(number: number, content: OpenContent, known: number): Promise<void> {
    const { sizeWords, firstBlock, storedBytes } = content;
    const { firstBlock: knownBlock, sizeWords: knownWords } = contents.placeOf(known);
    if (sizeWords.some((word, index) => word !== knownWords[index])) return;
    if (!(await area.areEqual(firstBlock, knownBlock, storedBytes))) return;
    area.rewind(firstBlock);
    contents.moveBlocks(number, knownBlock);
  }

  function writeBytes(chunk: Buffer): void {
    opened().sizeBytes += chunk.length;
    cutter.write(chunk);
  }

  return {
    begin() {
      if (current !== undefined) throw new Error('the content before has not ended');
      current = { sizeBytes: 0, sizeWords: [], blockCount: 0, firstBlock: 0, checksum: 0, storedBytes: 0 };
    },
    write: writeBytes,
    addZeros(count) {
      let left = count;
      const toBoundary = Math.min(left, cutter.missingBytes() % blockSizeBytes);
      writeBytes(zeros.subarray(0, toBoundary));
      left -= toBoundary;
      const content = opened();
      for (; left >= blockSizeBytes; left -= blockSizeBytes) {
        content.sizeWords[content.blockCount++] = 0;
        content.sizeBytes += blockSizeBytes;
      }
      writeBytes(zeros.subarray(0, left));
    },
    end() {
      const content = opened();
      const number = contents.add(content.sizeBytes);
      // Before the end is added, which may append a fragment block: nothing may come between a run and its placing.
      if (content.blockCount > 0) queue.add(0, undefined, () => placeBlocks(number, content));
      const tail = cutter.end();
      if (tail !== undefined) {
        addTail(number, content, tail.bytes);
        tail.release();
      }
      current = undefined;
      return number;
    },
    async drain() {
      signal.throwIfAborted();
      await queue.drain();
    },
    async adopt(pack, wanted, copied) {
      if (current !== undefined) throw new Error('a content has not ended');
      await queue.finish();
      const { compression, decompressors } = compressor;
      const target = {
        area,
        contents,
        packer,
        compression,
        decompressors,
        knownRuns: knownAdoptedRuns,
        ...options,
        ...(copied === undefined ? {} : { copied }),
      };
      return await adoptPack(target, pack, wanted);
    },
    async finish() {
      signal.throwIfAborted();
      packer.end();
      await queue.finish();
      await area.flush();
      return { contents, fragments: packer.fragments };
    },
  };
}
