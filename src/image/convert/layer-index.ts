// SPDX-License-Identifier: Apache-2.0
// A layer's entries without their content, in columns: about 50 bytes an entry and the end of its path. An entry's number
// is its place in the archive.
import { type TarEntry, type TarEntryType, maxPathBytes } from '../../formats/tar/index.ts';
import { type BytePool, bytePoolOf, createBytePool } from './byte-pool.ts';
import { emptyColumns, type EntryColumns, joinColumns, splitColumns, widened } from './entry-columns.ts';

/** What the merged tree needs to know of an entry to write it. */
export type EntryAttributes = Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'mtimeSec' | 'sizeBytes' | 'xattrs'>;

export type LayerIndex = {
  /** Appends an entry and returns its number. */
  readonly add: (entry: TarEntry) => number;
  /** Says which content a file has that has any. */
  readonly setContent: (number: number, content: number) => void;
  readonly count: () => number;
  readonly typeOf: (number: number) => TarEntryType;
  /** Visits the paths in order, as the archive has them, one character a byte. */
  readonly forEachPath: (visit: (path: string, number: number) => void) => void;
  readonly linkTargetOf: (number: number) => Buffer;
  readonly sizeOf: (number: number) => number;
  /** The number that `setContent` gave; undefined where a file is empty. */
  readonly contentOf: (number: number) => number | undefined;
  /** Whether it is the character device 0:0, overlayfs's own mark of a removed file. */
  readonly isOverlayWhiteout: (number: number) => boolean;
  readonly attributesOf: (number: number) => EntryAttributes;
  /** Gives back the memory of paths, once they are merged. */
  readonly dropPaths: () => void;
  /** Everything, for `decodeLayerIndex` on a machine of the same byte order. */
  readonly encode: () => Buffer;
};

const types: readonly TarEntryType[] = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'character-device',
  'block-device',
  'fifo',
];
const overlayWhiteout = types.length;
const noBytes = Buffer.alloc(0);
const noContent = 0xffff_ffff;
const noXattrs: ReadonlyMap<string, Buffer> = new Map();
/** squashfs keeps time in 32 unsigned bits. */
const maxTime = 0xffff_ffff;

type Parts = {
  columns: EntryColumns;
  count: number;
  paths: BytePool;
  readonly links: BytePool;
  readonly xattrs: Map<number, ReadonlyMap<string, Buffer>>;
};

export function createLayerIndex(): LayerIndex {
  return layerIndex({
    columns: emptyColumns(1024),
    count: 0,
    paths: createBytePool(),
    links: createBytePool(),
    xattrs: new Map(),
  });
}

/** @throws RangeError where `bytes` are not what `encode` gives */
export function decodeLayerIndex(bytes: Buffer): LayerIndex {
  const { columns, count, rest } = splitColumns(bytes);
  const [paths = noBytes, links = noBytes, xattrs = noBytes] = rest;
  return layerIndex({
    columns,
    count,
    paths: bytePoolOf(paths),
    links: bytePoolOf(links),
    xattrs: decodeXattrs(xattrs),
  });
}

function layerIndex(parts: Parts): LayerIndex {
  const { links, xattrs } = parts;
  const last = Buffer.alloc(maxPathBytes);
  let lastLength = 0;

  // Of each path only what differs from the one before is kept: neighbours mostly share their directory.
  const addPath = ({ columns, paths }: Parts, number: number, path: Buffer): void => {
    const limit = Math.min(lastLength, path.length, 255);
    let shared = 0;
    while (shared < limit && last[shared] === path[shared]) shared += 1;
    columns.pathShared[number] = shared;
    columns.pathPlace[number] = paths.add(path.subarray(shared));
    columns.pathLength[number] = path.length - shared;
    path.copy(last, shared, shared);
    lastLength = path.length;
  };
  const forEachPath = (visit: (path: string, number: number) => void): void => {
    const { columns, paths, count } = parts;
    const path = Buffer.alloc(maxPathBytes);
    for (let number = 0; number < count; number += 1) {
      const shared = columns.pathShared[number] ?? 0;
      const rest = paths.view(columns.pathPlace[number] ?? 0, columns.pathLength[number] ?? 0);
      rest.copy(path, shared);
      visit(path.toString('latin1', 0, shared + rest.length), number);
    }
  };

  const add = (entry: TarEntry): number => {
    if (parts.count === parts.columns.type.length)
      parts.columns = widened(parts.columns, Math.max(1024, parts.count * 2));
    const { columns } = parts;
    const number = parts.count++;
    const isWhiteout = entry.type === 'character-device' && entry.devMajor === 0 && entry.devMinor === 0;
    columns.type[number] = isWhiteout ? overlayWhiteout : types.indexOf(entry.type);
    columns.mode[number] = entry.mode;
    columns.uid[number] = entry.uid;
    columns.gid[number] = entry.gid;
    columns.mtime[number] = Math.min(Math.max(entry.mtimeSec, 0), maxTime);
    columns.size[number] = entry.sizeBytes;
    columns.content[number] = noContent;
    addPath(parts, number, entry.path);
    if (entry.linkTarget.length > 0) {
      columns.linkPlace[number] = links.add(entry.linkTarget);
      columns.linkLength[number] = entry.linkTarget.length;
    }
    if (entry.xattrs.size > 0) xattrs.set(number, entry.xattrs);
    return number;
  };

  return {
    add,
    setContent: (number, content) => {
      parts.columns.content[number] = content;
    },
    count: () => parts.count,
    typeOf: (number) => types[parts.columns.type[number] ?? 0] ?? 'character-device',
    forEachPath,
    linkTargetOf: (number) => {
      const length = parts.columns.linkLength[number] ?? 0;
      return length === 0 ? noBytes : links.view(parts.columns.linkPlace[number] ?? 0, length);
    },
    sizeOf: (number) => parts.columns.size[number] ?? 0,
    contentOf: (number) => {
      const content = parts.columns.content[number] ?? noContent;
      return content === noContent ? undefined : content;
    },
    isOverlayWhiteout: (number) => parts.columns.type[number] === overlayWhiteout,
    attributesOf: (number) => ({
      mode: parts.columns.mode[number] ?? 0,
      uid: parts.columns.uid[number] ?? 0,
      gid: parts.columns.gid[number] ?? 0,
      mtimeSec: parts.columns.mtime[number] ?? 0,
      sizeBytes: parts.columns.size[number] ?? 0,
      xattrs: xattrs.get(number) ?? noXattrs,
    }),
    dropPaths: () => {
      parts.paths = createBytePool();
      const none = emptyColumns(0);
      const { pathPlace, pathShared, pathLength } = none;
      parts.columns = { ...parts.columns, pathPlace, pathShared, pathLength };
    },
    encode: () => joinColumns(parts.columns, parts.count, [parts.paths.encode(), links.encode(), encodeXattrs(xattrs)]),
  };
}

/** Rare, so that it may be long: JSON, values as base64, names as they are kept (one character a byte). */
function encodeXattrs(xattrs: ReadonlyMap<number, ReadonlyMap<string, Buffer>>): Buffer {
  const rows = [...xattrs].map(([number, values]) => [
    number,
    [...values].map(([name, value]) => [name, value.toString('base64')]),
  ]);
  return Buffer.from(JSON.stringify(rows));
}

function decodeXattrs(bytes: Buffer): Map<number, ReadonlyMap<string, Buffer>> {
  const rows = JSON.parse(bytes.toString()) as readonly [number, readonly [string, string][]][];
  return new Map(
    rows.map(([number, values]) => [
      number,
      new Map(values.map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    ]),
  );
}
