// SPDX-License-Identifier: Apache-2.0
// Shifter's `fasthash`: SHA-256 over the first mebibyte of every 512 MiB of a file. It tells files apart quickly; it does
// not vouch for their contents.
import { createHash } from 'node:crypto';
import { type FileHandle } from 'node:fs/promises';

export const hashedBytes: number = 1024 * 1024;
export const strideBytes: number = 512 * 1024 * 1024;

/** The hash of an open file, in hexadecimal digits. */
export async function fastHash(file: FileHandle, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(hashedBytes);
  for (let offset = 0; ; offset += strideBytes) {
    signal.throwIfAborted();
    let filled = 0;
    while (filled < hashedBytes) {
      const { bytesRead } = await file.read(buffer, filled, hashedBytes - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    hash.update(buffer.subarray(0, filled));
    if (filled < hashedBytes) return hash.digest('hex');
  }
}
