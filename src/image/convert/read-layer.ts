// SPDX-License-Identifier: Apache-2.0
// A layer's blob as the tar archive in it. The first bytes say how it is compressed; media types are often wrong.
import { SlipwayError } from '../../model/index.ts';
import { readDecompressed } from '../read-decompressed.ts';
import { inLayer } from './layer-errors.ts';

/**
 * Feeds the uncompressed archive to `consume`, chunk by chunk, waiting for it.
 * @param name of the layer, for errors
 * @throws SlipwayError `layer-unreadable` on damaged or unknown compression; what reading and `consume` throw.
 */
export async function readLayer(
  name: string,
  blob: AsyncIterable<Buffer>,
  context: { readonly signal: AbortSignal; readonly consume: (chunk: Buffer) => Promise<void> },
): Promise<void> {
  const { signal, consume } = context;
  const refuse = (compression: string): SlipwayError =>
    new SlipwayError('layer-unreadable', {
      layer: name,
      reason: `it is compressed with ${compression}; layers are gzip, zstd or plain tar`,
    });
  try {
    await readDecompressed(blob, { refuse, signal }, async (chunk) => {
      await consume(chunk);
      return true;
    });
  } catch (error) {
    signal.throwIfAborted();
    throw inLayer(name, error);
  }
}
