// SPDX-License-Identifier: Apache-2.0
// What stands before an entry's header and belongs to it: GNU's long names (types L and K) and pax headers (x, and g
// for all entries that follow). Here they are collected, and applied to the header.
import { type TarEntry, type TarEntryType, maxPathBytes, maxPaxBytes } from './entry.ts';
import type { HeaderBlock } from './header.ts';
import { malformed } from './malformed.ts';
import { readDecimal } from './numbers.ts';
import { type PaxAttributes, readPaxRecords } from './pax.ts';
import { type SparseMap, checkSparseMap, readCommaMap } from './sparse.ts';

/** How a file's content is stored: `before` says that its map stands before it. */
export type Storage = 'plain' | 'mapped-before' | SparseMap;

export type ExtendedHeaders = {
  /** Bytes that the body of such a header may have; undefined where the type is no extended header's. */
  readonly limitOf: (typeflag: string) => number | undefined;
  /** Keeps nothing of `body`, which may change afterwards. */
  readonly take: (typeflag: string, body: Buffer) => void;
  /** Whether something waits for the entry that it belongs to. */
  readonly isPending: () => boolean;
  /** Forgets all but global headers: the entry was made. */
  readonly clear: () => void;
  readonly pathOf: (header: HeaderBlock) => Buffer;
  /** Bytes of the archive that a file's content takes. */
  readonly storedBytesOf: (header: HeaderBlock) => number;
  readonly storageOf: (header: HeaderBlock) => Storage;
  /** Length of a file whose map stands before its content. */
  readonly mappedSize: () => number;
  readonly apply: (header: HeaderBlock, type: TarEntryType, sizeBytes: number) => TarEntry;
};

const limits: Readonly<Record<string, number>> = {
  L: maxPathBytes + 1,
  K: maxPathBytes + 1,
  x: maxPaxBytes,
  // Solaris's own letter for the same.
  X: maxPaxBytes,
  g: maxPaxBytes,
};
const empty = Buffer.alloc(0);
const noXattrs: ReadonlyMap<string, Buffer> = new Map();

export function createExtendedHeaders(): ExtendedHeaders {
  let gnuPath: Buffer | undefined;
  let gnuLink: Buffer | undefined;
  let local: PaxAttributes | undefined;
  const global: PaxAttributes = {};

  const take = (typeflag: string, seen: Buffer): void => {
    const body = Buffer.from(seen);
    switch (typeflag) {
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

  const pathOf = (header: HeaderBlock): Buffer => {
    // Where GNU tar stores a sparse file, `path` is a made-up name for readers that don't know sparse files.
    const sparseName = local?.sparse?.get('name');
    return sparseName === undefined ? (local?.path ?? gnuPath ?? header.path) : Buffer.from(sparseName, 'latin1');
  };

  const storedBytesOf = (header: HeaderBlock): number => local?.sizeBytes ?? header.sizeBytes;

  const storageOf = (header: HeaderBlock): Storage => {
    const sparse = local?.sparse;
    if (sparse === undefined && local?.sparsePairs === undefined) return 'plain';
    const major = sparse?.get('major') ?? '0';
    const minor = sparse?.get('minor') ?? '0';
    if (major === '1' && minor === '0') return 'mapped-before';
    if (major !== '0') malformed(`sparse format ${major}.${minor} is not known`);
    const segments = local?.sparsePairs ?? readCommaMap(sparse?.get('map') ?? '');
    if (segments.length % 2 !== 0) malformed('the sparse map does not alternate');
    const sizeBytes = readDecimal(sparse?.get('size') ?? sparse?.get('realsize') ?? '', 'GNU.sparse.size');
    return checkSparseMap({ segments, sizeBytes }, storedBytesOf(header));
  };

  const apply = (header: HeaderBlock, type: TarEntryType, sizeBytes: number): TarEntry => {
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
      sizeBytes,
      linkTarget,
      devMajor: header.devMajor,
      devMinor: header.devMinor,
      xattrs: local?.xattrs ?? global.xattrs ?? noXattrs,
    };
  };

  return {
    limitOf: (typeflag) => limits[typeflag],
    take,
    isPending: () => local !== undefined || gnuPath !== undefined || gnuLink !== undefined,
    clear: () => {
      local = undefined;
      gnuPath = undefined;
      gnuLink = undefined;
    },
    pathOf,
    storedBytesOf,
    storageOf,
    mappedSize: () => readDecimal(local?.sparse?.get('realsize') ?? '', 'GNU.sparse.realsize'),
    apply,
  };
}

function nulTerminated(body: Buffer): Buffer {
  const end = body.indexOf(0);
  const text = end < 0 ? body : body.subarray(0, end);
  if (text.length > maxPathBytes) malformed(`a name is longer than ${maxPathBytes} bytes`);
  return text;
}
