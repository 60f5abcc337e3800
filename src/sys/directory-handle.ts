// SPDX-License-Identifier: Apache-2.0
// Trees worked on by descriptors, one component at a time, as with openat(2): nothing that is a symbolic link, or is made
// one meanwhile, is ever followed. Node has no openat; /proc/self/fd/N/NAME is the same to the kernel, as the link
// before NAME leads to the open directory itself, and NAME is not followed where O_NOFOLLOW or an l-call says so.
// Errors are system errors as node:fs throws them: the caller knows the path to tell people.
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstat,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstat,
  lstatSync,
  lutimesSync,
  mkdirSync,
  open,
  openSync,
  read,
  readdirSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

export type DirectoryHandle = {
  /** Names as bytes, sorted. */
  readonly list: () => readonly Buffer[];
  /** What stands there, a link as itself. */
  readonly stat: (name: Buffer) => BigIntStats;
  readonly statSelf: () => BigIntStats;
  /** Throws ENOTDIR or ELOOP for anything but a directory. */
  readonly openDirectory: (name: Buffer) => DirectoryHandle;
  /** A regular file for reading; anything else that is there meanwhile is not waited for. */
  readonly openFile: (name: Buffer) => ReadableFile;
  /**
   * What stands there: of a regular file with its beginning read, of a directory with its names; whoever asks closes both.
   * This thread does not wait for it, and this directory stays open until it is done.
   */
  readonly examine: (name: Buffer) => Promise<Examined>;
  readonly readLink: (name: Buffer) => Buffer;
  readonly makeDirectory: (name: Buffer, mode: number) => void;
  /** A new file; throws EEXIST where anything is. */
  readonly createFile: (name: Buffer) => WritableFile;
  readonly makeSymlink: (name: Buffer, target: Buffer) => void;
  /** Another name, here, for a file of `from`; a link is linked itself. */
  readonly makeHardLink: (name: Buffer, from: DirectoryHandle, fromName: Buffer) => void;
  readonly setLinkTime: (name: Buffer, mtimeSec: number) => void;
  readonly setLinkOwner: (name: Buffer, uid: number, gid: number) => void;
  /** Of the directory itself, in the order that keeps set-ID bits: owner, mode, time. */
  readonly setSelf: (attributes: FileAttributes) => void;
  /** By which the other functions, and other programs of this process, name it. */
  readonly path: string;
  readonly close: () => void;
};

export type FileAttributes = {
  readonly mode: number;
  readonly mtimeSec: number;
  /** Left as it is where undefined. */
  readonly owner?: { readonly uid: number; readonly gid: number };
};

export type ReadableFile = {
  readonly stats: BigIntStats;
  /** Fills `into`, and returns how much there was: less only at the end. */
  readonly read: (into: Buffer) => number;
  readonly close: () => void;
};

export type Examined = {
  readonly stats: BigIntStats;
  readonly file?: ReadableFile;
  readonly directory?: { readonly handle: DirectoryHandle; readonly names: readonly Buffer[] };
};

export type WritableFile = {
  readonly write: (bytes: Buffer) => void;
  /** Passes over bytes, which read as zeros and take no room. */
  readonly skip: (count: number) => void;
  /** Sets its length and attributes, and closes it. */
  readonly finish: (attributes: FileAttributes) => void;
  readonly close: () => void;
};

/** Linux: for naming a directory that one may search but not read. */
const oPath = 0o10000000;
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const directoryFlags = constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Opens the directory at `path`, whose own components may be links. */
export function openDirectoryHandle(path: string | Buffer): DirectoryHandle {
  return handle(openSync(path, oPath | constants.O_DIRECTORY));
}

function handle(fd: number): DirectoryHandle {
  const path = `/proc/self/fd/${fd}`;
  const prefix = Buffer.from(`${path}/`);
  const at = (name: Buffer): Buffer => {
    // The caller's bug, not an archive's: a name with a slash would be a path, and `..` leads out.
    if (name.length === 0 || name.includes(0x2f) || name.equals(dot) || name.equals(dotDot)) {
      throw new Error('a component of a path was expected');
    }
    return Buffer.concat([prefix, name]);
  };
  return {
    path,
    list: () => sorted(readdirSync(`${path}/.`, { encoding: 'buffer' })),
    stat: (name) => lstatSync(at(name), { bigint: true }),
    statSelf: () => fstatSync(fd, { bigint: true }),
    openDirectory: (name) => handle(openSync(at(name), oPath | directoryFlags)),
    openFile: (name) => {
      const opened = openSync(at(name), fileFlags);
      return readable(opened, fstatSync(opened, { bigint: true }));
    },
    examine: async (name) => {
      const stats = await lstatLater(at(name), { bigint: true });
      if (stats.isFile()) return { stats, file: await readableLater(await openLater(at(name), fileFlags)) };
      if (!stats.isDirectory()) return { stats };
      const directory = handle(openSync(at(name), oPath | directoryFlags));
      try {
        return { stats, directory: { handle: directory, names: sorted(await listLater(`${directory.path}/.`)) } };
      } catch (error) {
        directory.close();
        throw error;
      }
    },
    readLink: (name) => readlinkSync(at(name), { encoding: 'buffer' }),
    makeDirectory: (name, mode) => mkdirSync(at(name), { mode }),
    createFile: (name) => {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      return writable(openSync(at(name), flags, 0o600));
    },
    makeSymlink: (name, target) => symlinkSync(target, at(name)),
    makeHardLink: (name, from, fromName) => linkSync(Buffer.concat([Buffer.from(`${from.path}/`), fromName]), at(name)),
    setLinkTime: (name, mtimeSec) => lutimesSync(at(name), mtimeSec, mtimeSec),
    setLinkOwner: (name, uid, gid) => lchownSync(at(name), uid, gid),
    setSelf: (attributes) => {
      // An O_PATH descriptor can't be changed; reopened, it can.
      const own = openSync(`${path}/.`, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        setAttributes(own, attributes);
      } finally {
        closeSync(own);
      }
    },
    close: () => closeSync(fd),
  };
}

function sorted(names: Buffer[]): readonly Buffer[] {
  return names.sort((left, right) => left.compare(right));
}

const dot = Buffer.from('.');
const dotDot = Buffer.from('..');

function setAttributes(fd: number, { mode, mtimeSec, owner }: FileAttributes): void {
  // chown(2) takes set-ID bits away, so it comes first; the time last, as all else may change it.
  if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
  fchmodSync(fd, mode);
  futimesSync(fd, mtimeSec, mtimeSec);
}

/** @param beginning of the file, which is not read again */
function readable(fd: number, stats: BigIntStats, beginning: Buffer = Buffer.alloc(0)): ReadableFile {
  let taken = 0;
  return {
    stats,
    read: (into) => {
      let done = beginning.copy(into, 0, taken);
      taken += done;
      while (done < into.length) {
        const count = readSync(fd, into, done, into.length - done, null);
        if (count === 0) break;
        done += count;
      }
      return done;
    },
    close: () => closeSync(fd),
  };
}

/** How much of a file is read before it is asked for. */
const beginningBytes = 64 * 1024;
const lstatLater = promisify<Buffer, { bigint: true }, BigIntStats>(lstat);
const listLater = (path: string): Promise<Buffer[]> => readdir(path, { encoding: 'buffer' });
const openLater = promisify<Buffer, number, number>(open);

async function readableLater(fd: number): Promise<ReadableFile> {
  try {
    const stats = await promisify<number, { bigint: true }, BigIntStats>(fstat)(fd, { bigint: true });
    const beginning = Buffer.allocUnsafe(Math.min(Number(stats.size), beginningBytes));
    const { bytesRead } = await promisify(read)(fd, beginning, 0, beginning.length, null);
    return readable(fd, stats, beginning.subarray(0, bytesRead));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function writable(fd: number): WritableFile {
  let position = 0;
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  return {
    write: (bytes) => {
      for (let done = 0; done < bytes.length;) {
        const count = writeSync(fd, bytes, done, bytes.length - done, position);
        done += count;
        position += count;
      }
    },
    skip: (count) => {
      position += count;
    },
    finish: (attributes) => {
      ftruncateSync(fd, position);
      setAttributes(fd, attributes);
      close();
    },
    close,
  };
}
