// SPDX-License-Identifier: Apache-2.0
// A streaming reader of tar archives, driven by its input: chunks of any length go in, entries and views of their
// content come out by callback, nothing is copied but headers that straddle two chunks. It reads POSIX pax, ustar,
// GNU and v7 archives. Where the formats leave room, Go's archive/tar decides, because the container tools that made
// and checked these layers are built on it: only files have content, whatever size another type's header claims.
import { type TarEntry, type TarEntryType, blockBytes, maxPathBytes, maxPaxBytes, paddingAfter } from './entry.ts';
import { SlipwayError } from '../../model/index.ts';
import { type HeaderBlock, isZeroBlock, readHeaderBlock } from './header.ts';
import { atOffset, malformed } from './malformed.ts';
import { readDecimal } from './numbers.ts';
import { type PaxAttributes, readPaxRecords } from './pax.ts';
import {
  type SparseMap,
  checkSparseMap,
  createMapLines,
  oldGnuExtensionMap,
  oldGnuHeaderMap,
  readCommaMap,
  readOldGnuSize,
  readOldGnuMap,
} from './sparse.ts';

/** What a reader calls, in the archive's order. Buffers are views into the chunks that were written. */
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
const empty = Buffer.alloc(0);
const noXattrs: ReadonlyMap<string, Buffer> = new Map();

/**
 * @example
 * const reader = createTarReader({ entry: (entry) => { paths.push(Buffer.from(entry.path)); return false; } });
 * for await (const chunk of stream) reader.write(chunk);
 * reader.end();
 */
export function createTarReader(visitor: TarVisitor): TarReader {
  // Every state but 'content' and 'skip' consumes whole blocks (or, 'extended', a whole body) gathered in `gathered`.
  let state: 'header' | 'second-zero' | 'extended' | 'gnu-map' | 'pax-map' | 'content' | 'skip' | 'ended' = 'header';
  let gathered: Buffer = Buffer.allocUnsafe(blockBytes);
  let gatheredBytes = 0;
  /** Bytes consumed so far, and where the header that is being worked on starts. */
  let offset = 0;
  let headerOffset = 0;

  /** Extended headers of the entry to come. */
  let extendedFlag = '';
  let extendedBytes = 0;
  let gnuPath: Buffer | undefined;
  let gnuLink: Buffer | undefined;
  let local: PaxAttributes | undefined;
  const global: PaxAttributes = {};

  /** Stored bytes left in 'content' or 'skip', padding to follow, and the sparse parts still to come. */
  let leftBytes = 0;
  let padBytes = 0;
  let segments: readonly number[] | undefined;
  let segmentAt = 0;
  let segmentLeft = 0;
  let position = 0;
  let sizeBytes = 0;

  let pendingHeader: HeaderBlock | undefined;
  let gnuSegments: number[] = [];
  let gnuSizeBytes = 0;
  let mapLines: ReturnType<typeof createMapLines> | undefined;

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
        if (isZeroBlock(block)) {
          if (hasExtended()) malformed('an extended header has no entry');
          state = 'second-zero';
        } else {
          takeHeader(readHeaderBlock(block), block);
        }
        return;
      case 'second-zero':
        if (!isZeroBlock(block)) malformed('a single zero block stands between entries');
        state = 'ended';
        return;
      case 'extended':
        takeExtended(block.subarray(0, extendedBytes));
        state = 'header';
        return;
      case 'gnu-map':
        if (!readOldGnuMap(block, oldGnuExtensionMap, gnuSegments)) finishGnuMap();
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
    switch (header.typeflag) {
      case 'L':
      case 'K':
        return startExtended(header, maxPathBytes + 1);
      case 'x':
      case 'X':
      case 'g':
        return startExtended(header, maxPaxBytes);
      case 'V':
        return startSkip(header.sizeBytes);
      case 'S':
        pendingHeader = header;
        gnuSegments = [];
        gnuSizeBytes = readOldGnuSize(block);
        if (readOldGnuMap(block, oldGnuHeaderMap, gnuSegments)) state = 'gnu-map';
        else finishGnuMap();
        return;
      case 'M':
        return malformed('it continues a file of another volume, and multi-volume archives are not read');
      default:
        takeEntry(header);
    }
  };

  const startExtended = (header: HeaderBlock, limitBytes: number): void => {
    if (header.sizeBytes > limitBytes) malformed(`an extended header is longer than ${limitBytes} bytes`);
    extendedFlag = header.typeflag;
    extendedBytes = header.sizeBytes;
    if (extendedBytes === 0) takeExtended(empty);
    else state = 'extended';
  };

  const takeExtended = (body: Buffer): void => {
    switch (extendedFlag) {
      case 'L':
        gnuPath = nulTerminated(body);
        return;
      case 'K':
        gnuLink = nulTerminated(body);
        return;
      case 'g':
        readPaxRecords(body, global);
        if (global.path ?? global.linkPath ?? global.sizeBytes ?? global.sparse ?? global.sparsePairs) {
          malformed('a global pax header names a single file');
        }
        return;
      default:
        local ??= {};
        readPaxRecords(body, local);
    }
  };

  const takeEntry = (header: HeaderBlock): void => {
    const type = typeOf(header, pathOf(header));
    if (type !== 'file') {
      startEntry(makeEntry(header, type, 0), 0, undefined);
      return;
    }
    const storedBytes = local?.sizeBytes ?? header.sizeBytes;
    const sparse = local?.sparse;
    if (sparse === undefined && local?.sparsePairs === undefined) {
      startEntry(makeEntry(header, type, storedBytes), storedBytes, undefined);
      return;
    }
    const major = sparse?.get('major');
    if (major !== undefined && (major !== '1' || sparse?.get('minor') !== '0')) {
      if (major !== '0') malformed(`sparse format ${major}.${sparse?.get('minor') ?? '?'} is not known`);
    }
    if (major === '1') {
      pendingHeader = header;
      mapLines = createMapLines();
      leftBytes = storedBytes;
      state = 'pax-map';
      return;
    }
    const map = {
      segments: local?.sparsePairs ?? readCommaMap(sparse?.get('map') ?? ''),
      sizeBytes: readDecimal(sparse?.get('size') ?? sparse?.get('realsize') ?? '', 'GNU.sparse.size'),
    };
    if (map.segments.length % 2 !== 0) malformed('the sparse map does not alternate');
    startEntry(makeEntry(header, type, map.sizeBytes), storedBytes, checkSparseMap(map, storedBytes));
  };

  const takePaxMap = (block: Buffer): void => {
    if (pendingHeader === undefined || mapLines === undefined) throw new Error('unreachable: no map is awaited');
    leftBytes -= blockBytes;
    if (leftBytes < 0) malformed('the sparse map is longer than what is stored');
    if (!mapLines.push(block)) return;
    const map = {
      segments: mapLines.segments,
      sizeBytes: readDecimal(local?.sparse?.get('realsize') ?? '', 'GNU.sparse.realsize'),
    };
    const header = pendingHeader;
    startEntry(makeEntry(header, 'file', map.sizeBytes), leftBytes, checkSparseMap(map, leftBytes));
  };

  const finishGnuMap = (): void => {
    if (pendingHeader === undefined) throw new Error('unreachable: no map is awaited');
    const map = { segments: gnuSegments, sizeBytes: gnuSizeBytes };
    const storedBytes = local?.sizeBytes ?? pendingHeader.sizeBytes;
    startEntry(makeEntry(pendingHeader, 'file', map.sizeBytes), storedBytes, checkSparseMap(map, storedBytes));
  };

  const hasExtended = (): boolean => local !== undefined || gnuPath !== undefined || gnuLink !== undefined;

  const pathOf = (header: HeaderBlock): Buffer => {
    const sparseName = local?.sparse?.get('name');
    return sparseName === undefined ? (local?.path ?? gnuPath ?? header.path) : Buffer.from(sparseName, 'latin1');
  };

  const makeEntry = (header: HeaderBlock, type: TarEntryType, logicalBytes: number): TarEntry => {
    const path = pathOf(header);
    if (path.length === 0) malformed('an entry has no name');
    const isLink = type === 'hardlink' || type === 'symlink';
    const linkTarget = isLink ? (local?.linkPath ?? gnuLink ?? header.linkTarget) : empty;
    if (isLink && linkTarget.length === 0) malformed('a link points to nothing');
    const mtime = local?.mtime ?? global.mtime;
    return {
      type,
      path,
      mode: header.mode,
      uid: local?.uid ?? global.uid ?? header.uid,
      gid: local?.gid ?? global.gid ?? header.gid,
      mtimeSec: mtime?.sec ?? header.mtimeSec,
      mtimeNsec: mtime?.nsec ?? 0,
      sizeBytes: logicalBytes,
      linkTarget,
      devMajor: header.devMajor,
      devMinor: header.devMinor,
      xattrs: local?.xattrs ?? global.xattrs ?? noXattrs,
    };
  };

  const startEntry = (entry: TarEntry, storedBytes: number, map: SparseMap | undefined): void => {
    local = undefined;
    gnuPath = undefined;
    gnuLink = undefined;
    pendingHeader = undefined;
    mapLines = undefined;
    state = 'header';
    if (!visitor.entry(entry)) {
      startSkip(storedBytes);
      return;
    }
    leftBytes = storedBytes;
    padBytes = paddingAfter(storedBytes);
    segments = map?.segments;
    segmentAt = 0;
    segmentLeft = 0;
    position = 0;
    sizeBytes = entry.sizeBytes;
    if (storedBytes === 0) endContent();
    else state = 'content';
  };

  const startSkip = (storedBytes: number): void => {
    leftBytes = storedBytes + paddingAfter(storedBytes);
    state = leftBytes === 0 ? 'header' : 'skip';
  };

  const takeContent = (chunk: Buffer, at: number): number => {
    let wanted = leftBytes;
    if (segments !== undefined) {
      if (segmentLeft === 0) nextSegment(segments);
      wanted = segmentLeft;
    }
    const taken = Math.min(wanted, chunk.length - at);
    visitor.content?.(chunk.subarray(at, at + taken));
    leftBytes -= taken;
    segmentLeft -= taken;
    position += taken;
    if (leftBytes === 0) endContent();
    return taken;
  };

  /** Steps to the next part that has bytes; there is one, as the map adds up to what is stored. */
  const nextSegment = (list: readonly number[]): void => {
    while (segmentLeft === 0) {
      const start = list[segmentAt] ?? 0;
      segmentLeft = list[segmentAt + 1] ?? 0;
      segmentAt += 2;
      if (segmentLeft > 0 && start > position) {
        visitor.hole?.(start - position);
        position = start;
      }
    }
  };

  const endContent = (): void => {
    if (segments !== undefined && position < sizeBytes) visitor.hole?.(sizeBytes - position);
    segments = undefined;
    leftBytes = padBytes;
    state = padBytes === 0 ? 'header' : 'skip';
    visitor.contentEnd?.();
  };

  const end = (): void => {
    const isBetween =
      state === 'ended' || (gatheredBytes === 0 && (state === 'second-zero' || (state === 'header' && !hasExtended())));
    if (!isBetween) throw new SlipwayError('tar-malformed', { offset, reason: 'it ends within an entry' });
  };

  return { write, end };
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

function nulTerminated(body: Buffer): Buffer {
  const end = body.indexOf(0);
  const text = end < 0 ? body : body.subarray(0, end);
  if (text.length > maxPathBytes) malformed(`a name is longer than ${maxPathBytes} bytes`);
  return text;
}
