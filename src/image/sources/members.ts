// SPDX-License-Identifier: Apache-2.0
// The named parts of an image that is kept in one place: the files of a directory, or the members of an archive, which are
// read where they are.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createTarReader } from '../../formats/tar/index.ts';
import { type Digest, parseDigest, SlipwayError } from '../../model/index.ts';
import { createBlockFile } from '../../sys/block-file.ts';
import { readFileChunks, readFileStart } from '../../sys/file-chunks.ts';
import { removeIfPresent, statFollowing } from '../../sys/files.ts';
import { compressionOf, inArchive, readDecompressed, storedChunks } from '../read-decompressed.ts';

/** Bytes on this machine: `sizeBytes` of the file at `path`, from `startBytes` on. */
export type Member = {
  readonly path: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** sha256 of the bytes, where they have been read already. */
  readonly digest?: Digest;
};

export type Members = {
  /** The directory or archive, for messages. */
  readonly path: string;
  /** @param name with `/` between its components; never from the image unless checked */
  readonly find: (name: string) => Promise<Member | undefined>;
  readonly close: () => Promise<void>;
};

/** The regular files below a directory. */
export function directoryMembers(path: string): Members {
  return {
    path,
    find: async (name) => {
      const file = join(path, name);
      const stats = await statFollowing(file);
      return stats?.isFile() === true ? { path: file, startBytes: 0, sizeBytes: stats.size } : undefined;
    },
    close: () => Promise.resolve(),
  };
}

export type ArchiveOptions = {
  /** A path that does not exist, on a file system with room: a compressed archive is unfolded to it once. */
  readonly temporaryPath: () => string;
  readonly searchPath: string;
  readonly signal: AbortSignal;
};

/** An image has a few hundred; more are an attack on memory. */
const maxMembers = 100_000;
const maxInflation = 200;
const inflationGraceBytes = 4 * 1024 ** 3;
const maxLinks = 8;

/**
 * The members of a tar archive, found and hashed by one reading of it. A compressed archive is unfolded to a temporary file
 * meanwhile, as its parts can't be reached otherwise; an uncompressed one is left where it is.
 * @throws SlipwayError `archive-unreadable`, `archive-inflates`, `program-missing`; as `toFileError`
 */
export async function archiveMembers(path: string, options: ArchiveOptions): Promise<Members> {
  const { signal, searchPath } = options;
  const isCompressed = (await compressionOf({ path })) !== 'none';
  const unfoldedPath = isCompressed ? options.temporaryPath() : undefined;
  const unfolded = unfoldedPath === undefined ? undefined : await createBlockFile(unfoldedPath);
  const dispose = async (): Promise<void> => {
    await unfolded?.close();
    if (unfoldedPath !== undefined) await removeIfPresent(unfoldedPath);
  };
  const index = createMemberIndex(path, unfoldedPath ?? path);
  let storedBytes = 0;
  try {
    const stored = counted(storedChunks({ path }, signal), (bytes) => {
      storedBytes += bytes;
    });
    await readDecompressed(stored, { name: path, searchPath, signal }, async (chunk) => {
      const written = unfolded?.write([chunk], index.readBytes());
      index.write(chunk);
      await written;
      checkInflation(path, storedBytes, index.readBytes());
      return true;
    });
    index.end();
  } catch (error) {
    await dispose();
    throw inArchive(path, error);
  }
  return {
    path,
    find: (name) => Promise.resolve(index.find(name)),
    close: dispose,
  };
}

async function* counted(chunks: AsyncIterable<Buffer>, count: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}

function createMemberIndex(
  archivePath: string,
  readPath: string,
): {
  readonly write: (chunk: Buffer) => void;
  readonly end: () => void;
  readonly readBytes: () => number;
  readonly find: (name: string) => Member | undefined;
} {
  const members = new Map<string, Member>();
  const links = new Map<string, string>();
  let readBytes = 0;
  let chunkStart: { readonly bytes: Buffer; readonly at: number } = { bytes: Buffer.alloc(0), at: 0 };
  let open: { name: string; startBytes: number | undefined; sizeBytes: number; hash: ReturnType<typeof createHash> };
  const refuse = (entry: string, reason: string): never => {
    throw new SlipwayError('archive-entry-refused', { path: archivePath, entry, reason });
  };

  const reader = createTarReader({
    entry: (entry) => {
      const name = memberName(entry.path.toString('latin1'));
      if (members.size + links.size >= maxMembers) refuse(name, `it is beyond the first ${maxMembers}`);
      if (entry.type === 'symlink' || entry.type === 'hardlink') {
        // `docker save` writes a layer that two images share once, and links to it.
        const target = entry.linkTarget.toString('latin1');
        links.set(name, memberName(entry.type === 'symlink' ? join(name, '..', target) : target));
        return false;
      }
      if (entry.type !== 'file') return false;
      open = { name, startBytes: undefined, sizeBytes: entry.sizeBytes, hash: createHash('sha256') };
      return true;
    },
    content: (bytes) => {
      // A view of the chunk that is being read: its place there is its place in the archive.
      open.startBytes ??= chunkStart.at + bytes.byteOffset - chunkStart.bytes.byteOffset;
      open.hash.update(bytes);
    },
    hole: () => refuse(open.name, 'it is a sparse file, which no part of an image is'),
    contentEnd: () => {
      const digest = parseDigest(`sha256:${open.hash.digest('hex')}`);
      members.set(open.name, {
        path: readPath,
        startBytes: open.startBytes ?? 0,
        sizeBytes: open.sizeBytes,
        ...(digest === undefined ? {} : { digest }),
      });
    },
  });
  return {
    write: (bytes) => {
      chunkStart = { bytes, at: readBytes };
      readBytes += bytes.length;
      reader.write(bytes);
    },
    end: reader.end,
    readBytes: () => readBytes,
    find: (name) => {
      let at = memberName(name);
      for (let steps = 0; steps < maxLinks; steps += 1) {
        const member = members.get(at);
        if (member !== undefined) return member;
        const target = links.get(at);
        if (target === undefined) return undefined;
        at = target;
      }
      return undefined;
    },
  };
}

/** Without `./` and `/` at the beginning: archives are written either way. */
function memberName(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function checkInflation(path: string, compressedBytes: number, bytes: number): void {
  if (bytes <= inflationGraceBytes || bytes <= compressedBytes * maxInflation) return;
  throw new SlipwayError('archive-inflates', { path, bytes, compressedBytes, limit: maxInflation });
}

/** A member's bytes. @throws SlipwayError `layout-malformed` when there are more than `maxBytes` or fewer than there were */
export async function readMember(member: Member, what: string, maxBytes: number): Promise<Buffer> {
  if (member.sizeBytes > maxBytes) {
    const reason = `${what} is larger than ${maxBytes} bytes`;
    throw new SlipwayError('layout-malformed', { path: member.path, reason });
  }
  const bytes = await readFileStart(member.path, member.sizeBytes, member.startBytes);
  if (bytes.length === member.sizeBytes) return bytes;
  throw new SlipwayError('layout-malformed', { path: member.path, reason: `${what} became shorter while it was read` });
}

/** The digest of a member's bytes by `algorithm`. */
export async function hashMember(member: Member, algorithm: 'sha256' | 'sha512', signal: AbortSignal): Promise<string> {
  if (algorithm === 'sha256' && member.digest !== undefined) return member.digest;
  const hash = createHash(algorithm);
  const range = { startBytes: member.startBytes, lengthBytes: member.sizeBytes };
  for await (const chunk of readFileChunks(member.path, { chunkBytes: 1024 * 1024, signal, range })) hash.update(chunk);
  return `${algorithm}:${hash.digest('hex')}`;
}
