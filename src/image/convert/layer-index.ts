// SPDX-License-Identifier: Apache-2.0
// A layer's entries without their content, in columns: about 40 bytes an entry and the end of its path. An entry's number is its
// place in the archive, which is how the second reading finds it again.
import { type TarEntry, type TarEntryType, maxPathBytes } from '../../formats/tar/index.ts';
import { createBytePool } from './byte-pool.ts';

/** What the merged tree needs to know of an entry to write it. */
export type EntryAttributes = Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'mtimeSec' | 'sizeBytes' | 'xattrs'>;

export type LayerIndex = {
  /** Appends an entry and returns its number. */
  readonly add: (entry: TarEntry) => number;
  readonly count: () => number;
  readonly typeOf: (number: number) => TarEntryType;
  /** Visits the paths in order, as the archive has them, one character a byte. */
  readonly forEachPath: (visit: (path: string, number: number) => void) => void;
  readonly linkTargetOf: (number: number) => Buffer;
  readonly sizeOf: (number: number) => number;
  /** Whether it is the character device 0:0, overlayfs's own mark of a removed file. */
  readonly isOverlayWhiteout: (number: number) => boolean;
  readonly attributesOf: (number: number) => EntryAttributes;
  /** Gives back the memory of paths, once they are merged. */
  readonly dropPaths: () => void;
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
const noXattrs: ReadonlyMap<string, Buffer> = new Map();
/** squashfs keeps time in 32 unsigned bits. */
const maxTime = 0xffff_ffff;

export function createLayerIndex(): LayerIndex {
  let capacity = 1024;
  let count = 0;
  let type = new Uint8Array(capacity);
  let mode = new Uint16Array(capacity);
  let uid = new Uint32Array(capacity);
  let gid = new Uint32Array(capacity);
  let mtime = new Uint32Array(capacity);
  let size = new Float64Array(capacity);
  // Of each path only what differs from the one before is kept: neighbours mostly share their directory.
  let pathPlace = new Float64Array(capacity);
  let pathShared = new Uint8Array(capacity);
  let pathLength = new Uint16Array(capacity);
  let linkPlace = new Float64Array(capacity);
  let linkLength = new Uint16Array(capacity);
  let paths = createBytePool();
  const links = createBytePool();
  const xattrs = new Map<number, ReadonlyMap<string, Buffer>>();

  const grow = (): void => {
    capacity *= 2;
    type = copyInto(new Uint8Array(capacity), type);
    mode = copyInto(new Uint16Array(capacity), mode);
    uid = copyInto(new Uint32Array(capacity), uid);
    gid = copyInto(new Uint32Array(capacity), gid);
    mtime = copyInto(new Uint32Array(capacity), mtime);
    size = copyInto(new Float64Array(capacity), size);
    pathPlace = copyInto(new Float64Array(capacity), pathPlace);
    pathShared = copyInto(new Uint8Array(capacity), pathShared);
    pathLength = copyInto(new Uint16Array(capacity), pathLength);
    linkPlace = copyInto(new Float64Array(capacity), linkPlace);
    linkLength = copyInto(new Uint16Array(capacity), linkLength);
  };

  const last = Buffer.alloc(maxPathBytes);
  let lastLength = 0;
  const addPath = (number: number, path: Buffer): void => {
    const limit = Math.min(lastLength, path.length, 255);
    let shared = 0;
    while (shared < limit && last[shared] === path[shared]) shared += 1;
    pathShared[number] = shared;
    pathPlace[number] = paths.add(path.subarray(shared));
    pathLength[number] = path.length - shared;
    path.copy(last, shared, shared);
    lastLength = path.length;
  };
  const forEachPath = (visit: (path: string, number: number) => void): void => {
    const path = Buffer.alloc(maxPathBytes);
    for (let number = 0; number < count; number += 1) {
      const shared = pathShared[number] ?? 0;
      const rest = paths.view(pathPlace[number] ?? 0, pathLength[number] ?? 0);
      rest.copy(path, shared);
      visit(path.toString('latin1', 0, shared + rest.length), number);
    }
  };

  const add = (entry: TarEntry): number => {
    if (count === capacity) grow();
    const number = count;
    count += 1;
    const isWhiteout = entry.type === 'character-device' && entry.devMajor === 0 && entry.devMinor === 0;
    type[number] = isWhiteout ? overlayWhiteout : types.indexOf(entry.type);
    mode[number] = entry.mode;
    uid[number] = entry.uid;
    gid[number] = entry.gid;
    mtime[number] = Math.min(Math.max(entry.mtimeSec, 0), maxTime);
    size[number] = entry.sizeBytes;
    addPath(number, entry.path);
    if (entry.linkTarget.length > 0) {
      linkPlace[number] = links.add(entry.linkTarget);
      linkLength[number] = entry.linkTarget.length;
    }
    if (entry.xattrs.size > 0) xattrs.set(number, entry.xattrs);
    return number;
  };

  return {
    add,
    count: () => count,
    typeOf: (number) => types[type[number] ?? 0] ?? 'character-device',
    forEachPath,
    linkTargetOf: (number) => {
      const length = linkLength[number] ?? 0;
      return length === 0 ? noBytes : links.view(linkPlace[number] ?? 0, length);
    },
    sizeOf: (number) => size[number] ?? 0,
    isOverlayWhiteout: (number) => type[number] === overlayWhiteout,
    attributesOf: (number) => ({
      mode: mode[number] ?? 0,
      uid: uid[number] ?? 0,
      gid: gid[number] ?? 0,
      mtimeSec: mtime[number] ?? 0,
      sizeBytes: size[number] ?? 0,
      xattrs: xattrs.get(number) ?? noXattrs,
    }),
    dropPaths: () => {
      paths = createBytePool();
      pathPlace = new Float64Array(0);
      pathShared = new Uint8Array(0);
      pathLength = new Uint16Array(0);
    },
  };
}

function copyInto<Column extends { set: (from: Column) => void }>(into: Column, from: Column): Column {
  into.set(from);
  return into;
}
