// SPDX-License-Identifier: Apache-2.0
// The one way in which a planner looks at the machine. Every look is written down: the trace. A plan may be used again
// for exactly as long as each look would show the same.
//
// A stamp proves that a file is unchanged only once the file system's clock has moved on since the last change: a
// second change within one tick leaves the same stamp. `youngestStampNs` tells the planner how long it must wait.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  readlinkSync,
  statSync,
  type BigIntStats,
  type Dirent,
} from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { type FileStamp, SlipwayError, type TraceEntry } from '../model/index.ts';
import { errnoOf, reasonOf } from './file-errors.ts';

export type FileKind = 'file' | 'directory' | 'other';

/** A file opened for reading at any place; its stamp is in the trace. */
export type RandomAccessFile = {
  readonly sizeBytes: number;
  /** Fewer bytes than asked for only at the end of the file. */
  readonly read: (offset: number, length: number) => Buffer;
  readonly close: () => void;
};

export type Inputs = {
  readonly environment: (name: string) => string | undefined;
  readonly identity: () => { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  /** The absolute path of `path`; a relative one makes the plan depend on the working directory. */
  readonly absolute: (path: string) => string;
  /** The file's text, or undefined where there is none. */
  readonly readText: (path: string, maxBytes?: number) => string | undefined;
  readonly openFile: (path: string) => RandomAccessFile | undefined;
  /** As `openFile`, and undefined as well for what is no regular file. */
  readonly openRegularFile: (path: string) => RandomAccessFile | undefined;
  /** The path that `path` leads to, free of links; undefined where it leads nowhere. Each link is in the trace. */
  readonly realPath: (path: string) => string | undefined;
  /** The names in a directory, sorted, or undefined where there is none. */
  readonly listDirectory: (path: string) => readonly string[] | undefined;
  /** What kind of file is there, links followed, or undefined: less than a full look, so the plan holds for longer. */
  readonly kindOf: (path: string) => FileKind | undefined;
  /** What stands at `path` itself, a link with its text. */
  readonly entryAt: (
    path: string,
  ) => { readonly kind: FileKind } | { readonly kind: 'link'; readonly target: string } | undefined;
  /** Who owns the file and what its permission bits are, links followed; undefined where there is none. */
  readonly ownerOf: (path: string) => FileOwner | undefined;
  readonly trace: () => readonly TraceEntry[];
  /** When the youngest file looked at was last changed, by the file system's clock; undefined when none was. */
  readonly youngestStamp: () => { readonly changedNs: bigint; readonly granularityNs: bigint } | undefined;
};

export type FileOwner = {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** Whether this process's user namespace has the machine's root: otherwise root's files show the overflow id. */
  readonly isRootMapped: boolean;
};

const maxTextBytes = 16 << 20;
/** As the kernel's: path_resolution(7). */
const maxLinks = 40;

/** The time of what no stamp can vouch for: always young, so that no plan that rests on it is kept. */
const forEver: bigint = 2n ** 63n;

/**
 * Looks at this process's machine. `environment` and `cwd` are given, so that tests can say what they are; `cwd` is ''
 * where it has been removed.
 */
export function createInputs(options: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}): Inputs {
  const entries = new Map<string, TraceEntry>();
  let youngest: { changedNs: bigint; granularityNs: bigint } | undefined;

  const note = (entry: TraceEntry): void => {
    const name = 'path' in entry ? entry.path : 'name' in entry ? entry.name : '';
    const key = `${entry.read} ${name}`;
    if (!entries.has(key)) entries.set(key, entry);
  };
  const noteFile = (path: string, stats: BigIntStats): void => {
    const stamp = stampOf(stats);
    note({ read: 'file', path, stamp });
    const changedNs = isStream(stats) ? forEver : stamp.mtimeNs > stamp.ctimeNs ? stamp.mtimeNs : stamp.ctimeNs;
    // Whole seconds are the sign of a file system that keeps no finer time; else a scheduler tick (10 ms at HZ=100).
    const granularityNs = stamp.ctimeNs % 1_000_000_000n === 0n ? 2_000_000_000n : 20_000_000n;
    if (youngest === undefined || changedNs + granularityNs > youngest.changedNs + youngest.granularityNs) {
      youngest = { changedNs, granularityNs };
    }
  };
  const unlessAbsent = <Value>(path: string, look: () => Value): Value | undefined => {
    try {
      return look();
    } catch (error) {
      if (!isAbsence(error)) throw toUnreadable(error, path);
      note({ read: 'absent', path });
      return undefined;
    }
  };
  const open = (path: string, isWanted: (stats: BigIntStats) => boolean): RandomAccessFile | undefined =>
    unlessAbsent(path, () => {
      // Nothing else than a regular file has to be waited for, and nobody waits for one that is.
      const fd = openSync(path, constants.O_RDONLY | (isWanted === isRegular ? constants.O_NONBLOCK : 0));
      const stats = fstatSync(fd, { bigint: true });
      noteFile(path, stats);
      if (!isWanted(stats)) {
        closeSync(fd);
        return undefined;
      }
      return {
        sizeBytes: Number(stats.size),
        read: (offset, length) => {
          const buffer = Buffer.allocUnsafe(length);
          let done = 0;
          while (done < length) {
            const got = readSync(fd, buffer, done, length - done, isStream(stats) ? null : offset + done);
            if (got === 0) break;
            done += got;
          }
          return buffer.subarray(0, done);
        },
        close: () => closeSync(fd),
      };
    });
  const openFile = (path: string): RandomAccessFile | undefined => open(path, () => true);
  const entryAt: Inputs['entryAt'] = (path) =>
    unlessAbsent(path, () => {
      const stats = lstatSync(path, { bigint: true });
      if (stats.isSymbolicLink()) {
        note({ read: 'link', path, stamp: stampOf(stats) });
        return { kind: 'link', target: readlinkSync(path) };
      }
      note({ read: 'kind', path, format: Number(stats.mode) & 0o170000, follows: false });
      return { kind: stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other' };
    });

  return {
    environment: (name) => {
      const value = options.environment[name];
      note({ read: 'environment', name, value });
      return value;
    },
    identity: () => {
      const uid = process.geteuid?.() ?? 0;
      const gid = process.getegid?.() ?? 0;
      // The kernel's own list: process.getgroups() adds the effective group where it is missing.
      const groups = supplementaryGroups();
      note({ read: 'identity', uid, gid, groups });
      return { uid, gid, groups };
    },
    absolute: (path) => {
      if (isAbsolute(path)) return resolve(path);
      if (options.cwd === '') {
        throw new SlipwayError('input-unreadable', { path, reason: 'the current directory has been removed' });
      }
      note({ read: 'cwd', path: options.cwd });
      return resolve(options.cwd, path);
    },
    readText: (path, maxBytes = maxTextBytes) => {
      const file = openFile(path);
      if (file === undefined) return undefined;
      try {
        const bytes = file.read(0, maxBytes + 1);
        if (bytes.length > maxBytes) {
          throw new SlipwayError('input-unreadable', { path, reason: `it has more than ${maxBytes} bytes` });
        }
        return bytes.toString('utf8');
      } catch (error) {
        throw toUnreadable(error, path);
      } finally {
        file.close();
      }
    },
    openFile,
    openRegularFile: (path) => open(path, isRegular),
    realPath: (path) => {
      const parts = path.split('/').filter((name) => name !== '' && name !== '.');
      const real: string[] = [];
      for (let links = 0; parts.length > 0;) {
        const name = parts.shift() ?? '';
        if (name === '..') {
          real.pop();
          continue;
        }
        const entry = entryAt(`/${[...real, name].join('/')}`);
        if (entry === undefined) return undefined;
        if (entry.kind !== 'link') {
          real.push(name);
          continue;
        }
        links += 1;
        if (links > maxLinks) return undefined;
        if (entry.target.startsWith('/')) real.length = 0;
        parts.unshift(...entry.target.split('/').filter((part) => part !== '' && part !== '.'));
      }
      return `/${real.join('/')}`;
    },
    listDirectory: (path) =>
      unlessAbsent(path, () => {
        noteFile(path, statSync(path, { bigint: true }));
        return readdirSync(path, { withFileTypes: true })
          .map((entry: Dirent) => entry.name)
          .sort();
      }),
    kindOf: (path) =>
      unlessAbsent(path, () => {
        const stats = statSync(path);
        note({ read: 'kind', path, format: stats.mode & 0o170000, follows: true });
        return stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other';
      }),
    entryAt,
    ownerOf: (path) =>
      unlessAbsent(path, () => {
        const stats = statSync(path, { bigint: true });
        noteFile(path, stats);
        const { uid, gid, mode } = stats;
        return { uid: Number(uid), gid: Number(gid), mode: Number(mode) & 0o7777, isRootMapped: isRootMapped() };
      }),
    trace: () => [...entries.values()],
    youngestStamp: () => youngest,
  };
}

function isRegular(stats: BigIntStats): boolean {
  return stats.isFile();
}

/** user_namespaces(7): the initial namespace maps all ids to themselves. */
function isRootMapped(): boolean {
  const fd = openSync('/proc/self/uid_map', 'r');
  try {
    const buffer = Buffer.alloc(4096);
    const text = buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
    return /^\s*0\s+0\s+\d/m.test(text);
  } finally {
    closeSync(fd);
  }
}

/** Whether it is read from its front to its end, once: `--env-file <(command)` gives a pipe. */
function isStream(stats: BigIntStats): boolean {
  return stats.isFIFO() || stats.isSocket() || stats.isCharacterDevice();
}

function stampOf(stats: BigIntStats): FileStamp {
  return {
    dev: stats.dev,
    ino: stats.ino,
    mode: stats.mode,
    sizeBytes: stats.size,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  };
}

function isAbsence(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** What the system said, as a row of the error table; anything else comes back as it is. */
function toUnreadable(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || !(error instanceof Error)) return error;
  const reason = reasonOf(error);
  // The message says all that the cause's would.
  const cause = Object.assign(new Error(reason), {
    code: errno,
    errno: 'errno' in error ? error.errno : undefined,
    syscall: '',
  });
  return new SlipwayError('input-unreadable', { path, reason: `${reason} (${errno})` }, { cause });
}

/** getgroups(2) as /proc shows it (proc_pid_status(5), Groups). */
function supplementaryGroups(): readonly number[] {
  const fd = openSync('/proc/self/status', 'r');
  try {
    const buffer = Buffer.alloc(64 << 10);
    const text = buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
    const line = /^Groups:[ \t]*(.*)$/m.exec(text)?.[1]?.trim() ?? '';
    return line === '' ? [] : line.split(/\s+/).map(Number);
  } finally {
    closeSync(fd);
  }
}
