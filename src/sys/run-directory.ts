// SPDX-License-Identifier: Apache-2.0
// The user's private directory for plans, in memory of this machine: what is there may vanish at any time, so nothing
// is synced; a reader sees a whole file or none.
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { MadeEntry } from '../model/index.ts';

/**
 * Writes a file whole or not at all. Text that is there already is left as it is, but kept young: whoever mounts the file
 * tells his holder by its inode from others, so that planners at work at once must leave the same one.
 */
export function writeFileInPlace(path: string, content: string | Uint8Array, mode: number): void {
  if (hasContent(path, content)) {
    const now = new Date();
    utimesSync(path, now, now);
    return;
  }
  const temporary = temporaryName(path);
  try {
    writeFileSync(temporary, content, { flag: 'w', mode: 0o600 });
    chmodSync(temporary, mode);
    if (!isLinked(temporary, path) && !hasContent(path, content)) renameSync(temporary, path);
    else rmSync(temporary);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Gives a file another name where nothing has it yet. */
function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false; // the name is taken; or the file system knows no second name
  }
}

/** Makes a tree of files, directories and links, whole or not at all; one that is there already is kept young. */
export function makeSkeleton(path: string, entries: readonly MadeEntry[]): void {
  const now = new Date();
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) {
    utimesSync(path, now, now);
    return;
  }
  const temporary = temporaryName(path);
  try {
    // Left by a process that was killed and had this pid.
    rmSync(temporary, { force: true, recursive: true });
    mkdirSync(temporary, { mode: 0o755 });
    fillDirectory(temporary, entries);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true, recursive: true });
    // Another planner made the same one meanwhile.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) throw error;
  }
}

/** Makes all this in an empty directory. */
export function fillDirectory(directory: string, entries: readonly MadeEntry[]): void {
  for (const entry of entries) {
    const own = `${directory}/${entry.path}`;
    if (entry.kind === 'directory') mkdirSync(own, { mode: 0o755 });
    else if (entry.kind === 'link') symlinkSync(entry.target, own);
    else {
      const mode = entry.isExecutable === true ? 0o755 : 0o644;
      writeFileSync(own, entry.content ?? '', { flag: 'wx', mode });
    }
  }
}

/**
 * Removes plans, generated files, lock files, sockets and left-over temporary files that nobody has touched since
 * `oldestMs`. A holder touches its socket every day.
 */
export function sweepOldFiles(directory: string, oldestMs: number): void {
  for (const name of readdirSync(directory)) {
    if (!/^[pxfsklh]-/.test(name)) continue;
    const path = `${directory}/${name}`;
    const { mtimeMs, atimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity, atimeMs: Infinity };
    if (Math.max(mtimeMs, atimeMs) < oldestMs) rmSync(path, { force: true, recursive: true });
  }
}

export function writeAllToDescriptor(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
}

/** One process at a time has a pid, and it makes one of these at a time. */
function temporaryName(path: string): string {
  return `${path}.${process.pid}~`;
}

function hasContent(path: string, content: string | Uint8Array): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  const bytes = Buffer.from(content);
  return stats?.size === bytes.length && stats.isFile() && readFileSync(path).equals(bytes);
}
