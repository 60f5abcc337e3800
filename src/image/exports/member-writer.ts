// SPDX-License-Identifier: Apache-2.0
// The named parts of an image on their way to one place: files below a directory, or members of a tar archive. A part
// gets its name when it is complete, as most are named by their digest.
import { dirname, join } from 'node:path';
import { encodeFileHeader, paddingAfter, tarEnd } from '../../formats/tar/index.ts';
import { type BlockFile, createBlockFile } from '../../sys/block-file.ts';
import { syncFile } from '../../sys/file-chunks.ts';
import { ensureDirectory, moveDurably, removeIfPresent } from '../../sys/files.ts';

export type Write = (chunk: Buffer) => Promise<void>;

export type MemberWriter = {
  /**
   * Adds a part: `produce` writes it and returns its name, or undefined where it is not wanted after all, e.g. because one of this
   * name is there. One at a time.
   */
  readonly add: (produce: (write: Write) => Promise<string | undefined>) => Promise<void>;
  /** Everything is complete, and flushed to disk. */
  readonly finish: () => Promise<void>;
  /** Lets go of what is open, also after a failure. */
  readonly close: () => Promise<void>;
};

/** @param directory exists, and nobody else works in it */
export function directoryWriter(directory: string): MemberWriter {
  let open: BlockFile | undefined;
  const close = async (): Promise<void> => {
    const file = open;
    open = undefined;
    await file?.close();
  };
  return {
    add: async (produce) => {
      const partPath = join(directory, '.part');
      const file = await createBlockFile(partPath);
      open = file;
      let offset = 0;
      const name = await produce(async (chunk) => {
        await file.write([chunk], offset);
        offset += chunk.length;
      });
      await close();
      if (name === undefined) {
        await removeIfPresent(partPath);
        return;
      }
      const path = join(directory, name);
      await ensureDirectory(dirname(path), { mode: 0o755 });
      await moveDurably(partPath, path, { mode: 0o644 });
    },
    finish: () => Promise.resolve(),
    close,
  };
}

/** @param path must not exist yet */
export async function archiveWriter(path: string): Promise<MemberWriter> {
  const file = await createBlockFile(path);
  let end = 0;
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  return {
    add: async (produce) => {
      // The header is written last, into the block that is left free for it.
      const start = end + 512;
      let at = start;
      const name = await produce(async (chunk) => {
        await file.write([chunk], at);
        at += chunk.length;
      });
      if (name === undefined) {
        await file.truncate(end);
        return;
      }
      const sizeBytes = at - start;
      await file.write([Buffer.alloc(paddingAfter(sizeBytes))], at);
      await file.write([encodeFileHeader(Buffer.from(name), sizeBytes)], end);
      end = at + paddingAfter(sizeBytes);
    },
    finish: async () => {
      await file.write([tarEnd], end);
      await close();
      await syncFile(path);
    },
    close,
  };
}
