// SPDX-License-Identifier: Apache-2.0
// Where images and temporary files go: room, and what kind of file system it is.
import { dirname } from 'node:path';
import type { Finding } from './finding.ts';
import type { HostReader } from './reader.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** `f_type` of statfs(2), from the kernel's linux/magic.h and the parallel file systems' own headers. */
const fileSystemNames: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'XFS'],
  [0x9123683e, 'Btrfs'],
  [0x2fc12fc1, 'ZFS'],
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlayfs'],
  [0x73717368, 'squashfs'],
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x5346414f, 'AFS'],
  [0x65735546, 'FUSE'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x00c36400, 'CephFS'],
  [0xaad7aaea, 'PanFS'],
]);

export type DirectoryFacts = {
  readonly path: string;
  /** The nearest directory above that exists, where `path` does not yet. */
  readonly existing: string;
  readonly canWrite: boolean;
  /** Undefined where statfs fails. */
  readonly magic: number | undefined;
  readonly freeBytes: number;
  readonly freeInodes: number;
};

/** @param path absolute */
export async function readDirectory(reader: HostReader, path: string): Promise<DirectoryFacts> {
  let existing = path;
  while (existing !== '/' && (await reader.status(existing)) === undefined) existing = dirname(existing);
  const fileSystem = await reader.fileSystem(existing);
  return {
    path,
    existing,
    canWrite: await reader.isAccessible(existing, 'read-write'),
    magic: fileSystem?.magic,
    freeBytes: fileSystem?.freeBytes ?? 0,
    freeInodes: fileSystem?.freeInodes ?? 0,
  };
}

/** The name of a file system by its magic number, or the number in hexadecimal. */
export function fileSystemName(magic: number): string {
  // Node gives f_type signed on some systems.
  const unsigned = magic >>> 0;
  return fileSystemNames.get(unsigned) ?? `type 0x${unsigned.toString(16)}`;
}

/** Id `store` or `temporary-files`: whether it can be written and has room. */
export function judgeRoom(
  facts: DirectoryFacts,
  question: { readonly id: 'store' | 'temporary-files'; readonly what: string; readonly variable: string },
): Finding {
  const { id, what, variable } = question;
  const remedy = {
    user: `Set ${variable} to a directory of yours on a file system with more room.`,
    administrator: 'Give the user a writable directory with some tens of gigabytes, e.g. on the scratch file system.',
  };
  const found = `${facts.path}, ${facts.magic === undefined ? 'file system unknown' : fileSystemName(facts.magic)}`;
  if (!facts.canWrite) {
    const where = facts.existing === facts.path ? 'it' : facts.existing;
    return { id, state: 'missing', what, detail: `${found}: you can not write to ${where}`, remedy };
  }
  const room = `${formatSize(facts.freeBytes)} free`;
  if (facts.freeBytes < 100 * mebibyte) return { id, state: 'missing', what, detail: `${found}, only ${room}`, remedy };
  if (facts.freeBytes < 2 * gibibyte) {
    return { id, state: 'warning', what, detail: `${found}, only ${room}: larger images will not fit`, remedy };
  }
  const magic = facts.magic === undefined ? '' : fileSystemName(facts.magic);
  if (magic === 'tmpfs' || magic === 'ramfs') {
    return { id, state: 'warning', what, detail: `${found}, ${room}: what is kept there takes memory`, remedy };
  }
  if (id === 'store' && (magic === 'AFS' || magic === 'CIFS' || magic === 'SMB')) {
    return {
      id,
      state: 'warning',
      what,
      detail: `${found}, ${room}: credentials of this file system do not reach batch jobs by themselves`,
      remedy,
    };
  }
  return { id, state: 'ok', what, detail: `${found}, ${room}` };
}

function formatSize(bytes: number): string {
  return bytes >= gibibyte ? `${(bytes / gibibyte).toFixed(1)} GiB` : `${Math.floor(bytes / mebibyte)} MiB`;
}
