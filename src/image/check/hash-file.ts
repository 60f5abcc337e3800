// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { openBlockFile } from '../../sys/block-file.ts';

const chunkBytes = 1024 * 1024;

/** The hexadecimal hash of a file's bytes. */
export async function hashFile(path: string, algorithm: 'sha256' | 'sha512', signal: AbortSignal): Promise<string> {
  const hash = createHash(algorithm);
  const file = await openBlockFile(path);
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (let at = 0; ;) {
      signal.throwIfAborted();
      const length = await file.read(chunk, at);
      if (length === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, length));
      at += length;
    }
  } finally {
    await file.close();
  }
}
