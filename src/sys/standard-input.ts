// SPDX-License-Identifier: Apache-2.0
import { readSync } from 'node:fs';

/** All of standard input, waited for; undefined where there is more than `maxBytes`. */
export function readStandardInput(maxBytes: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(64 << 10);
    const length = readSync(0, chunk, 0, chunk.length, null);
    if (length === 0) return Buffer.concat(chunks);
    total += length;
    if (total > maxBytes) return undefined;
    chunks.push(chunk.subarray(0, length));
  }
}
