// SPDX-License-Identifier: Apache-2.0
// What can be asked of this machine besides the contents of files: kinds and modes of files, access, file systems.
// Questions, not operations: what can't be found out is undefined, never an error.
import { access, constants, stat, statfs } from 'node:fs/promises';
import { arch, hostname, release, totalmem } from 'node:os';

export type FileStatus = {
  readonly kind: 'file' | 'directory' | 'character-device' | 'other';
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
};

export type FileSystemStatus = {
  /** `f_type` of statfs(2). */
  readonly magic: number;
  readonly sizeBytes: number;
  /** For an ordinary user. */
  readonly freeBytes: number;
  readonly freeInodes: number;
};

/** As its processes know it (uname(2)). */
export function hostName(): string {
  return hostname();
}

/** stat(2), symbolic links followed. */
export async function statusOf(path: string): Promise<FileStatus | undefined> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) return undefined;
  const kind = status.isFile()
    ? 'file'
    : status.isDirectory()
      ? 'directory'
      : status.isCharacterDevice()
        ? 'character-device'
        : 'other';
  return { kind, mode: status.mode & 0o7777, uid: status.uid };
}

/** access(2), with this process's real ids. */
export async function isAccessible(path: string, how: 'read-write' | 'execute'): Promise<boolean> {
  const mode = how === 'execute' ? constants.X_OK : constants.R_OK | constants.W_OK;
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}

/** statfs(2) of the file system that holds `path`. */
export async function fileSystemOf(path: string): Promise<FileSystemStatus | undefined> {
  const status = await statfs(path).catch(() => undefined);
  if (status === undefined) return undefined;
  const { type, bsize, blocks, bavail, ffree } = status;
  return { magic: type, sizeBytes: blocks * bsize, freeBytes: bavail * bsize, freeInodes: ffree };
}

/** `uname -r` and Node's name of the architecture. */
export function kernelIdentity(): { readonly release: string; readonly architecture: string } {
  return { release: release(), architecture: arch() };
}

/** All memory of this machine. */
export function memoryBytes(): number {
  return totalmem();
}
