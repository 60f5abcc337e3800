// SPDX-License-Identifier: Apache-2.0
// A large file that is written past the page cache: what will be flushed to disk anyway need not be copied into fresh
// pages first, which may cost more than the disk does, nor push out of memory what others read. O_DIRECT (open(2)) wants
// whole blocks from aligned memory: what is written one behind the other is gathered in pieces, and several of them are
// on their way at a time. What fills no piece is written as usual, and so is everything where a file system has no O_DIRECT.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type BlockFile, createBlockFile } from './block-file.ts';
import { isErrno, toFileError } from './file-errors.ts';

/** At least a sector of any disk and a page of any processor that Node runs on. */
const alignment = 65536;
const pieceBytes = 4 * 1024 * 1024;
const pieceCount = 4;

/** Of the ECMAScript embedding of WebAssembly what is used here; TypeScript knows it only for browsers. */
declare const WebAssembly: {
  readonly Memory: new (descriptor: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};
const wasmPageBytes = 65536;

export type UncachedFile = BlockFile & {
  /** What was written is in the file now; throws what went wrong since. What is not flushed is lost when the file is closed. */
  readonly flush: () => Promise<void>;
};

/**
 * Makes a file as `createBlockFile` does. Reading it and changing its length flush it. One call at a time, but for reads
 * beside reads.
 */
export async function createUncachedFile(path: string): Promise<UncachedFile> {
  const file = await createBlockFile(path);
  const pieces = alignedPieces();
  const direct = pieces === undefined ? undefined : await openDirectly(path);
  return pieces === undefined || direct === undefined
    ? { ...file, flush: () => Promise.resolve() }
    : uncachedFile(file, { direct, pieces, path });
}

/** Only WebAssembly's memory is known to be aligned; undefined where the process may not have as much address space. */
function alignedPieces(): Buffer[] | undefined {
  try {
    const { buffer } = new WebAssembly.Memory({ initial: (pieceCount * pieceBytes) / wasmPageBytes });
    return Array.from({ length: pieceCount }, (_, index) => Buffer.from(buffer, index * pieceBytes, pieceBytes));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

async function openDirectly(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_WRONLY | constants.O_DIRECT | constants.O_NOFOLLOW);
  } catch {
    // It is open as an ordinary file already, which will do.
    return undefined;
  }
}

function uncachedFile(
  file: BlockFile,
  { direct, pieces, path }: { readonly direct: FileHandle; readonly pieces: Buffer[]; readonly path: string },
): UncachedFile {
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  /** What waits until the piece is full; in the file it begins at a multiple of the alignment. */
  let gathered: { readonly piece: Buffer; length: number } | undefined;
  /** Where the next byte is expected; undefined before the first and after a flush. */
  let position: number | undefined;
  let flushing: Promise<void> | undefined;

  async function writeDirectly(piece: Buffer, offset: number): Promise<void> {
    let done = 0;
    try {
      done = (await direct.write(piece, 0, piece.length, offset)).bytesWritten;
    } catch (error) {
      // An alignment that the file system does not like.
      if (!isErrno(error, 'EINVAL')) throw toFileError(error, 'write the file', path);
    }
    // Not all of it was taken on a disk that is about to be full: the rest will say so.
    if (done < piece.length) await file.write([piece.subarray(done)], offset + done);
  }

  function begin(piece: Buffer, offset: number): void {
    const work = writeDirectly(piece, offset)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        pieces.push(piece);
        underWay.delete(work);
      });
    underWay.add(work);
  }

  async function takePiece(): Promise<Buffer> {
    for (;;) {
      const piece = pieces.pop();
      if (piece !== undefined) return piece;
      await Promise.race(underWay);
    }
  }

  /** Gathers bytes for `offset`, where the piece ends now. */
  async function gather(bytes: Buffer, offset: number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      gathered ??= { piece: await takePiece(), length: 0 };
      const { piece } = gathered;
      const count = bytes.copy(piece, gathered.length, at);
      at += count;
      gathered.length += count;
      if (gathered.length < piece.length) return;
      gathered = undefined;
      begin(piece, offset + at - piece.length);
    }
  }

  async function settle(): Promise<void> {
    await Promise.all(underWay);
    if (gathered !== undefined && position !== undefined) {
      const { piece, length } = gathered;
      gathered = undefined;
      await file.write([piece.subarray(0, length)], position - length);
      pieces.push(piece);
    }
    position = undefined;
    if (failure !== undefined) throw failure.error;
  }

  /** Who reads while another's read flushes waits for the same: what was gathered is not in the file before. */
  function flush(): Promise<void> {
    flushing ??= settle().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  return {
    async write(chunks, offset) {
      if (failure !== undefined) throw failure.error;
      if (offset !== position) await flush();
      let next = offset;
      for (const chunk of chunks) {
        const toAligned = gathered === undefined ? Math.min(chunk.length, -next & (alignment - 1)) : 0;
        if (toAligned > 0) await file.write([chunk.subarray(0, toAligned)], next);
        await gather(chunk.subarray(toAligned), next + toAligned);
        next += chunk.length;
      }
      position = next;
    },
    async read(into, offset) {
      await flush();
      return await file.read(into, offset);
    },
    async truncate(sizeBytes) {
      await flush();
      await file.truncate(sizeBytes);
    },
    async sizeBytes() {
      await flush();
      return await file.sizeBytes();
    },
    flush,
    async close() {
      await Promise.all(underWay);
      await direct.close();
      await file.close();
    },
  };
}
