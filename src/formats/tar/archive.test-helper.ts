// SPDX-License-Identifier: Apache-2.0
// Whole archives for tests: read into a list, and written from one.
import { type TarEntry, createTarReader, encodeTarHeader, paddingAfter, tarEnd } from './index.ts';

export type Member = TarEntry & { readonly content: Buffer };

/** Reads an archive that is fed in chunks of the given sizes, taken in turn. */
export function readArchive(archive: Buffer, chunkSizes: readonly number[] = [archive.length || 1]): Member[] {
  const members: Member[] = [];
  let parts: Buffer[] = [];
  const reader = createTarReader({
    entry: (entry) => {
      members.push({ ...entry, content: Buffer.alloc(0) });
      parts = [];
      return true;
    },
    content: (chunk) => parts.push(chunk),
    hole: (sizeBytes) => {
      if (sizeBytes > 64 * 1024 * 1024) throw new RangeError('no test needs such a hole');
      parts.push(Buffer.alloc(sizeBytes));
    },
    contentEnd: () => {
      const last = members.pop();
      if (last !== undefined) members.push({ ...last, content: Buffer.concat(parts) });
    },
  });
  for (const chunk of cut(archive, chunkSizes)) reader.write(chunk);
  reader.end();
  return members;
}

export function writeArchive(members: readonly Member[]): Buffer {
  const parts = members.flatMap((member) => [
    encodeTarHeader(member),
    member.content,
    Buffer.alloc(paddingAfter(member.content.length)),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

/** A member with everything plain but what is given. */
export function makeMember(
  fields: Partial<Omit<Member, 'path' | 'linkTarget'>> & { path: string; linkTarget?: string },
): Member {
  const content = fields.content ?? Buffer.alloc(0);
  return {
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    devMajor: 0,
    devMinor: 0,
    xattrs: new Map(),
    sizeBytes: content.length,
    ...fields,
    content,
    path: Buffer.from(fields.path, 'latin1'),
    linkTarget: Buffer.from(fields.linkTarget ?? '', 'latin1'),
  };
}

function cut(data: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < data.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(data.subarray(at, at + size));
    at += size;
  }
  return chunks;
}
