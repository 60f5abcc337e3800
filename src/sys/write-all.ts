// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises';

/**
 * Writes all of `chunks`, one behind the other, from `offset` on; write(2) may take less than it is given, e.g. on a disk
 * that is about to be full. `onWritten` is told how many more bytes are there, also where a later write fails.
 * @throws the system's errors as they are
 */
export async function writeAll(
  file: FileHandle,
  chunks: readonly Buffer[],
  offset: number,
  onWritten: (bytes: number) => void = () => undefined,
): Promise<void> {
  let position = offset;
  for (let rest = chunks; rest.length > 0;) {
    const { bytesWritten } = await file.writev(rest, position);
    position += bytesWritten;
    onWritten(bytesWritten);
    rest = without(rest, bytesWritten);
  }
}

function without(chunks: readonly Buffer[], bytes: number): readonly Buffer[] {
  let left = bytes;
  return chunks.flatMap((chunk) => {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    return skipped === chunk.length ? [] : [chunk.subarray(skipped)];
  });
}
