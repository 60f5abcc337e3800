// SPDX-License-Identifier: Apache-2.0
// One blob from a source, as it comes: continued where it broke off, its digest and length verified at the end, before
// anyone may believe it.
import { createHash } from 'node:crypto';
import { type Digest, digestAlgorithm, type Emit, type PullEvent, SlipwayError } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { httpFailureOf } from '../../sys/http-failure.ts';
import { mostTransferFailures, pauseMs } from '../transfer-breaks.ts';
import type { ImageSource, LayerDescriptor } from '../types.ts';

export type BlobContext = {
  readonly source: ImageSource;
  readonly layer: LayerDescriptor;
  readonly emit: Emit<PullEvent>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

const reportBytes = 1024 * 1024;

/** Hands a blob's bytes to `write`, which must have taken them when it resolves. @throws as `readBlob`; what `write` throws */
export async function copyBlob(context: BlobContext, write: (chunk: Buffer) => Promise<void>): Promise<void> {
  for await (const chunk of readBlob(context)) await write(chunk);
}

/**
 * A blob's bytes. Who stops early has nothing verified; who reads to the end has all.
 * @throws SlipwayError `blob-corrupt`, `download-interrupted`; those of the source
 */
export async function* readBlob({ source, layer, emit, clock, signal }: BlobContext): AsyncGenerator<Buffer> {
  const { digest, sizeBytes } = layer;
  const hash = createHash(digestAlgorithm(digest));
  const corrupt = (reason: string): SlipwayError => new SlipwayError('blob-corrupt', { digest, reason });
  let doneBytes = 0;
  let reportedBytes = 0;
  let failures = 0;

  async function* receive(): AsyncGenerator<Buffer> {
    const { body, offsetBytes } = await source.openBlob(layer, doneBytes, signal);
    // A source that can't start in the middle sends again what is there already.
    let passedBytes = doneBytes - offsetBytes;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      const fresh = chunk.subarray(Math.min(passedBytes, chunk.length));
      passedBytes -= chunk.length - fresh.length;
      if (doneBytes + fresh.length > sizeBytes) throw corrupt(`it has more than the ${sizeBytes} bytes announced`);
      hash.update(fresh);
      doneBytes += fresh.length;
      if (fresh.length > 0) yield fresh;
      if (doneBytes - reportedBytes < reportBytes) continue;
      reportedBytes = doneBytes;
      emit({ type: 'blob-progress', digest, doneBytes, totalBytes: sizeBytes });
    }
  }

  while (doneBytes < sizeBytes) {
    const before = doneBytes;
    let reason = 'the answer ended early';
    try {
      yield* receive();
    } catch (error) {
      signal.throwIfAborted();
      const failure = httpFailureOf(error);
      if (failure === undefined) throw error;
      reason = failure.message;
    }
    if (doneBytes >= sizeBytes) break;
    failures = doneBytes > before ? 1 : failures + 1;
    if (failures >= mostTransferFailures) {
      throw new SlipwayError('download-interrupted', { digest, reason, receivedBytes: doneBytes, sizeBytes });
    }
    const delayMs = pauseMs(failures);
    emit({ type: 'retrying', what: `copy ${digest}`, reason, delayMs });
    await clock.sleep(delayMs, signal);
  }
  const actual = `${digestAlgorithm(digest)}:${hash.digest('hex')}` as Digest;
  if (actual !== digest) throw corrupt(`its bytes have digest ${actual}`);
  emit({ type: 'blob-done', digest, sizeBytes, wasCached: false });
}
