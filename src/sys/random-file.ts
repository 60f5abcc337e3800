// SPDX-License-Identifier: Apache-2.0
// A file read at given offsets without waiting, for parsers that hop about in it.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { attemptingSync } from './file-errors.ts';

export type RandomFile = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Bytes at an offset, fewer only at the file's end. */
  readonly read: (offsetBytes: number, lengthBytes: number) => Buffer;
  readonly close: () => void;
};

/** Opens a file. Errors are those of `toFileError`. */
export function openRandomFile(path: string): RandomFile {
  const fd = attemptingSync('open the file', path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  return {
    path,
    sizeBytes: attemptingSync('examine', path, () => fstatSync(fd).size),
    read: (offsetBytes, lengthBytes) =>
      attemptingSync('read the file', path, () => {
        const bytes = Buffer.allocUnsafe(lengthBytes);
        let done = 0;
        while (done < lengthBytes) {
          const count = readSync(fd, bytes, done, lengthBytes - done, offsetBytes + done);
          if (count === 0) break;
          done += count;
        }
        return bytes.subarray(0, done);
      }),
    close: () => closeSync(fd),
  };
}
