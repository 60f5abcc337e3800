// SPDX-License-Identifier: Apache-2.0
// One member of a tar archive, with everything that pax and GNU extensions say about it already applied.

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo';

export type TarEntry = {
  readonly type: TarEntryType;
  /** As the archive spells it, byte for byte: never empty, may be absolute, may hold `..`, has no NUL. */
  readonly path: Buffer;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  /** 0 to 2³² − 1. */
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch, rounded down; negative before 1970. */
  readonly mtimeSec: number;
  /** 0 to 999,999,999, counted forward from `mtimeSec`. */
  readonly mtimeNsec: number;
  /** Length of a file's content with its holes; 0 for every other type. */
  readonly sizeBytes: number;
  /** What a symlink or hard link points to; empty otherwise. */
  readonly linkTarget: Buffer;
  readonly devMajor: number;
  readonly devMinor: number;
  /** By name; each byte of a name is one character (latin1), so that any name comes out as it went in. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
};

/** All of an entry but what it is: of root, at the epoch, empty. */
export const blankEntry: Omit<TarEntry, 'type' | 'path' | 'mode'> = {
  uid: 0,
  gid: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
  sizeBytes: 0,
  linkTarget: Buffer.alloc(0),
  devMajor: 0,
  devMinor: 0,
  xattrs: new Map<string, Buffer>(),
};

/** Longest path and link target that is read or written: PATH_MAX of Linux. */
export const maxPathBytes = 4096;
/** Longest body of a pax header that is read or written. */
export const maxPaxBytes: number = 1024 * 1024;

export const blockBytes = 512;

/** How many zero bytes follow content of this length, up to the next block. */
export function paddingAfter(sizeBytes: number): number {
  const rest = sizeBytes % blockBytes;
  return rest === 0 ? 0 : blockBytes - rest;
}
