// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { toFileError } from './file-errors.ts';

/** A file's bytes from `start` to its end. Errors are those of `toFileError`. */
export async function* readFileRange(
  path: string,
  options: { readonly start: number; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { start: options.start, highWaterMark: 1 << 20 });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      options.signal.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    throw toFileError(error, 'read the file', path);
  }
}
