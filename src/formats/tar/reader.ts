// SPDX-License-Identifier: Apache-2.0
// A streaming reader of tar archives, driven by its input: chunks of any length go in, entries and views of their
// content come out by callback, and of a chunk nothing is needed any more when `write` returns. It reads POSIX pax, ustar,
// GNU and v7 archives. Where the formats leave room, Go's archive/tar decides, because the container tools that made
// and checked these layers are built on it: only files have content, whatever size another type's header claims.
import { SlipwayError } from '../../model/index.ts';
import { type ContentCursor, createContentCursor } from './content.ts';
import { type TarEntry, type TarEntryType, blockBytes, paddingAfter } from './entry.ts';
import { createExtendedHeaders } from './extended.ts';
import { type HeaderBlock, isZeroBlock, readHeaderBlock } from './header.ts';
import { atOffset, malformed } from './malformed.ts';
import {
  type SparseMap,
  checkSparseMap,
  createMapLines,
  oldGnuExtensionMap,
  oldGnuHeaderMap,
  readOldGnuMap,
  readOldGnuSize,
} from './sparse.ts';

/** What a reader calls, in the archive's order. Buffers are views into the chunks that were written: copy what is to last. */
export type TarVisitor = {
  /** A member; `true` asks for its content. */
  readonly entry: (entry: TarEntry) => boolean;
  /** The next bytes of the content, never empty. */
  readonly content?: (chunk: Buffer) => void;
  /** The next `sizeBytes` bytes of the content are zeros: a hole of a sparse file, perhaps very large. */
  readonly hole?: (sizeBytes: number) => void;
  /** The content is complete; called for each entry whose content was asked for. */
  readonly contentEnd?: () => void;
};

export type TarReader = {
  /** @throws SlipwayError `tar-malformed`, after which the reader is of no more use; and what the visitor throws. */
  readonly write: (chunk: Buffer) => void;
  /** Ends the archive. @throws SlipwayError `tar-malformed` when it stops within an entry. */
  readonly end: () => void;
};

const headerOnly: Readonly<Record<string, TarEntryType>> = {
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

/** A file whose map of parts is still being read. */
type PendingMap = { readonly header: HeaderBlock; readonly segments: number[]; readonly sizeBytes: number };

/**
 * @example
 * const reader = createTarReader({ entry: (entry) => { paths.push(Buffer.from(entry.path)); return false; } });
 * for await (const chunk of stream) reader.write(chunk);
 * reader.end();
 */
export function createTarReader(visitor: TarVisitor): TarReader {
  // 'content' and 'skip' let bytes go by; the others gather a block, or in 'extended' a whole body.
  let state: 'header' | 'second-zero' | 'extended' | 'gnu-map' | 'pax-map' | 'content' | 'skip' | 'ended' = 'header';
  let gathered: Buffer = Buffer.allocUnsafe(blockBytes);
  let gatheredBytes = 0;
  /** Bytes consumed so far, and where the header that is being worked on starts. */
  let offset = 0;
  let headerOffset = 0;

  const extended = createExtendedHeaders();
  let extendedFlag = '';
  let extendedBytes = 0;
  let gnuMap: PendingMap | undefined;
  let paxMap: { readonly header: HeaderBlock; readonly lines: ReturnType<typeof createMapLines> } | undefined;
  let cursor: ContentCursor | undefined;
  /** Bytes to pass over in 'skip'; in 'pax-map' stored bytes not yet seen. */
  let leftBytes = 0;
  let padBytes = 0;

  const write = (chunk: Buffer): void => {
    let at = 0;
    try {
      while (at < chunk.length) {
        const taken = step(chunk, at);
        at += taken;
        offset += taken;
      }
    } catch (error) {
      throw atOffset(error, headerOffset);
    }
  };

  /** Consumes at least one byte of `chunk` from `at` on; returns how many. */
  const step = (chunk: Buffer, at: number): number => {
    switch (state) {
      case 'content':
        return takeContent(chunk, at);
      case 'skip': {
        const taken = Math.min(leftBytes, chunk.length - at);
        leftBytes -= taken;
        if (leftBytes === 0) state = 'header';
        return taken;
      }
      case 'ended': {
        const rest = chunk.subarray(at);
        if (!isZeroBlock(rest)) {
          headerOffset = offset + rest.findIndex((byte) => byte !== 0);
          malformed('something follows the end of the archive');
        }
        return rest.length;
      }
      case 'header':
      case 'second-zero':
      case 'extended':
      case 'gnu-map':
      case 'pax-map':
        return gather(chunk, at);
      default:
        return state satisfies never;
    }
  };

  const gather = (chunk: Buffer, at: number): number => {
    const wanted = state === 'extended' ? extendedBytes + paddingAfter(extendedBytes) : blockBytes;
    if (gatheredBytes === 0) {
      if (state === 'header') headerOffset = offset;
      if (chunk.length - at >= wanted) {
        takeBlock(chunk.subarray(at, at + wanted));
        return wanted;
      }
      if (gathered.length < wanted) gathered = Buffer.allocUnsafe(wanted);
    }
    const taken = Math.min(wanted - gatheredBytes, chunk.length - at);
    chunk.copy(gathered, gatheredBytes, at, at + taken);
    gatheredBytes += taken;
    if (gatheredBytes === wanted) {
      const block = gathered.subarray(0, wanted);
      // The visitor may keep views of this block: it is not written again.
      gathered = Buffer.allocUnsafe(blockBytes);
      gatheredBytes = 0;
      takeBlock(block);
    }
    return taken;
  };

  const takeBlock = (block: Buffer): void => {
    switch (state) {
      case 'header':
        if (!isZeroBlock(block)) {
          takeHeader(readHeaderBlock(block), block);
          return;
        }
        if (extended.isPending()) malformed('an extended header has no entry');
        state = 'second-zero';
        return;
      case 'second-zero':
        if (!isZeroBlock(block)) malformed('a single zero block stands between entries');
        state = 'ended';
        return;
      case 'extended':
        extended.take(extendedFlag, block.subarray(0, extendedBytes));
        state = 'header';
        return;
      case 'gnu-map':
        takeGnuMap(block, oldGnuExtensionMap);
        return;
      case 'pax-map':
        takePaxMap(block);
        return;
      case 'content':
      case 'skip':
      case 'ended':
        throw new Error('unreachable: this state takes no blocks');
      default:
        state satisfies never;
    }
  };

  const takeHeader = (header: HeaderBlock, block: Buffer): void => {
    const limitBytes = extended.limitOf(header.typeflag);
    if (limitBytes !== undefined) {
      if (header.sizeBytes > limitBytes) malformed(`an extended header is longer than ${limitBytes} bytes`);
      extendedFlag = header.typeflag;
      extendedBytes = header.sizeBytes;
      if (extendedBytes > 0) state = 'extended';
      else extended.take(extendedFlag, block.subarray(0, 0));
      return;
    }
    switch (header.typeflag) {
      case 'S':
        gnuMap = { header: lasting(header), segments: [], sizeBytes: readOldGnuSize(block) };
        takeGnuMap(block, oldGnuHeaderMap);
        return;
      case 'V':
        // The archive's own label.
        startSkip(header.sizeBytes);
        return;
      case 'M':
        return malformed('it continues a file of another volume, and multi-volume archives are not read');
      default:
        takeEntry(header);
    }
  };

  const takeEntry = (header: HeaderBlock): void => {
    const type = typeOf(header, extended.pathOf(header));
    if (type !== 'file') {
      startEntry(extended.apply(header, type, 0), 0, undefined);
      return;
    }
    const storedBytes = extended.storedBytesOf(header);
    const storage = extended.storageOf(header);
    if (storage === 'plain') {
      startEntry(extended.apply(header, type, storedBytes), storedBytes, undefined);
    } else if (storage === 'mapped-before') {
      paxMap = { header: lasting(header), lines: createMapLines() };
      leftBytes = storedBytes;
      state = 'pax-map';
    } else {
      startEntry(extended.apply(header, type, storage.sizeBytes), storedBytes, storage);
    }
  };

  const takePaxMap = (block: Buffer): void => {
    if (paxMap === undefined) throw new Error('unreachable: no map is awaited');
    const { header, lines } = paxMap;
    leftBytes -= blockBytes;
    if (leftBytes < 0) malformed('the sparse map is longer than what is stored');
    if (!lines.push(block)) return;
    paxMap = undefined;
    const map = checkSparseMap({ segments: lines.segments, sizeBytes: extended.mappedSize() }, leftBytes);
    startEntry(extended.apply(header, 'file', map.sizeBytes), leftBytes, map);
  };

  const takeGnuMap = (block: Buffer, layout: typeof oldGnuHeaderMap | typeof oldGnuExtensionMap): void => {
    if (gnuMap === undefined) throw new Error('unreachable: no map is awaited');
    const { header, segments, sizeBytes } = gnuMap;
    if (readOldGnuMap(block, layout, segments)) {
      state = 'gnu-map';
      return;
    }
    gnuMap = undefined;
    const storedBytes = extended.storedBytesOf(header);
    startEntry(
      extended.apply(header, 'file', sizeBytes),
      storedBytes,
      checkSparseMap({ segments, sizeBytes }, storedBytes),
    );
  };

  const startEntry = (entry: TarEntry, storedBytes: number, map: SparseMap | undefined): void => {
    extended.clear();
    if (!visitor.entry(entry)) {
      startSkip(storedBytes);
      return;
    }
    padBytes = paddingAfter(storedBytes);
    cursor = createContentCursor(visitor, storedBytes, map);
    state = 'content';
    if (storedBytes === 0) endContent(cursor);
  };

  const takeContent = (chunk: Buffer, at: number): number => {
    if (cursor === undefined) throw new Error('unreachable: no content is awaited');
    const taken = cursor.take(chunk, at);
    if (cursor.leftBytes() === 0) endContent(cursor);
    return taken;
  };

  const endContent = (ended: ContentCursor): void => {
    ended.finish();
    cursor = undefined;
    leftBytes = padBytes;
    state = padBytes === 0 ? 'header' : 'skip';
    visitor.contentEnd?.();
  };

  const startSkip = (storedBytes: number): void => {
    leftBytes = storedBytes + paddingAfter(storedBytes);
    state = leftBytes === 0 ? 'header' : 'skip';
  };

  const end = (): void => {
    const isBetween =
      state === 'ended' ||
      (gatheredBytes === 0 && (state === 'second-zero' || (state === 'header' && !extended.isPending())));
    if (!isBetween) throw new SlipwayError('tar-malformed', { offset, reason: 'it ends within an entry' });
  };

  return { write, end };
}

/** Without views into the block that it was read from. */
function lasting(header: HeaderBlock): HeaderBlock {
  return { ...header, path: Buffer.from(header.path), linkTarget: Buffer.from(header.linkTarget) };
}

function typeOf(header: HeaderBlock, path: Buffer): TarEntryType {
  const known = headerOnly[header.typeflag];
  if (known !== undefined) return known;
  if (header.isV7 && path.at(-1) === 0x2f) {
    if (header.sizeBytes !== 0) malformed('a directory has content');
    return 'directory';
  }
  // A directory's dump (GNU incremental) lists names in its content, which would be taken for a file's.
  if (header.typeflag !== '0' && header.typeflag !== '7') {
    malformed(`entries of type ${JSON.stringify(header.typeflag)} are not known`);
  }
  return 'file';
}
