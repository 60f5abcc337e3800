// SPDX-License-Identifier: Apache-2.0
// Copying a user's file by its open descriptor: what was checked is what is copied.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { attempting } from './file-errors.ts';
import { fastHash } from './fast-hash.ts';
import { openUserFile } from './user-file.ts';

export type UserFile = {
  readonly sizeBytes: number;
  /** Shifter's pseudo-hash. */
  readonly fastHash: (signal: AbortSignal) => Promise<string>;
  /** The first bytes. */
  readonly start: (count: number) => Promise<Buffer>;
  /** Copies the whole to a new file, mode 0600, flushed. */
  readonly copyTo: (path: string, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Opens a file for a user as `openUserFile`. @throws Error with a plain reason */
export async function userFile(path: string, uid: number): Promise<UserFile> {
  const file = await openUserFile(path, uid);
  const { size } = await file.stat();
  return {
    sizeBytes: size,
    fastHash: (signal) => fastHash(file, signal),
    start: async (count) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0);
      return buffer.subarray(0, bytesRead);
    },
    copyTo: async (target, signal) => {
      await attempting('write the file', target, async () => {
        const into = await open(target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
        try {
          const buffer = Buffer.alloc(1 << 20);
          for (let at = 0; ;) {
            signal.throwIfAborted();
            const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
            if (bytesRead === 0) break;
            await into.writeFile(buffer.subarray(0, bytesRead));
            at += bytesRead;
          }
          await into.sync();
        } finally {
          await into.close();
        }
      });
    },
    close: () => file.close(),
  };
}
