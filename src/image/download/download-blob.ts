// SPDX-License-Identifier: Apache-2.0
// One blob into one file: received, hashed and written as it comes, continued where it broke off (in this process or
// an earlier one), and given its name only when its digest and length are right.
import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type Digest, digestAlgorithm, type Emit, hasCode, type PullEvent, SlipwayError } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { httpFailureOf } from '../../sys/http-failure.ts';
import { openPartFile, type PartFile } from '../../sys/part-file.ts';
import { mostTransferFailures, pauseMs } from '../transfer-breaks.ts';
import type { ImageSource, LayerDescriptor } from '../types.ts';
import type { BlobSink } from './blob-sink.ts';
import { drain } from './drain.ts';

export type BlobDownload = {
  readonly source: ImageSource;
  readonly layer: LayerDescriptor;
  /** Of the finished file; the part is beside it. */
  readonly path: string;
  /** Of the finished file. */
  readonly mode: number;
  /** Gets the bytes as they come; there is no finished file then. */
  readonly sink?: BlobSink;
  readonly emit: Emit<PullEvent>;
  readonly clock: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
};

/** Received bytes are written in pieces of about this size: file systems far away charge by the request. */
const writeBytes = 1024 * 1024;

/**
 * Downloads a blob to `path`, or into the sink; what is in `path.part` is continued. The caller holds the blob's lock.
 * @throws SlipwayError `blob-corrupt`: wrong bytes twice over, nothing is kept; `download-interrupted`: broken off
 *   several times without progress, the part is kept; `disk-full`, the part is removed; those of the source and of
 *   `toFileError`; the signal's reason
 */
export async function downloadBlob(download: BlobDownload): Promise<void> {
  const part = await openPartFile(`${download.path}.part`);
  try {
    for (let isSecond = false; ; isSecond = true) {
      const corruption = await fetchWhole(download, part);
      if (corruption === undefined) break;
      const failure = new SlipwayError('blob-corrupt', { digest: download.layer.digest, reason: corruption });
      if (isSecond) {
        await part.remove();
        throw failure;
      }
      // The fault may lie in what an earlier process left, or in one connection: from the start, and only once.
      await part.restart();
      await download.sink?.restart();
      download.emit({
        type: 'retrying',
        what: `download ${download.layer.digest}`,
        reason: failure.message,
        delayMs: 0,
      });
    }
    if (download.sink === undefined) {
      await part.finish(download.path, { mode: download.mode });
    } else {
      await download.sink.finish();
      await part.remove();
    }
  } catch (error) {
    // A part would keep the disk full, and whoever clears up needs some room for that.
    if (hasCode(error, 'disk-full')) await part.remove();
    throw error;
  } finally {
    await part.close();
  }
}

/** Brings the part to its full length; what is wrong with its content then, or undefined. */
async function fetchWhole(download: BlobDownload, part: PartFile): Promise<string | undefined> {
  const { layer, sink, signal } = download;
  if (part.sizeBytes() > layer.sizeBytes) await part.restart();
  let hash = newHash(layer.digest);
  for await (const chunk of part.read()) {
    signal.throwIfAborted();
    hash.update(chunk);
    await sink?.write(chunk);
  }

  let failures = 0;
  while (part.sizeBytes() < layer.sizeBytes) {
    const startBytes = part.sizeBytes();
    const { body, offsetBytes } = await download.source.openBlob(layer, startBytes, signal);
    if (offsetBytes !== startBytes) {
      await part.restart();
      if (startBytes > 0) await sink?.restart();
      hash = newHash(layer.digest);
    }
    const ending = await receive(body, { download, part, hash });
    if (ending === 'too-long') return `it has more than the ${layer.sizeBytes} bytes that the manifest says`;
    if (part.sizeBytes() >= layer.sizeBytes) break;

    failures = part.sizeBytes() >= startBytes + writeBytes ? 1 : failures + 1;
    if (failures >= mostTransferFailures) {
      const sizes = { receivedBytes: part.sizeBytes(), sizeBytes: layer.sizeBytes };
      throw new SlipwayError('download-interrupted', { digest: layer.digest, reason: ending, ...sizes });
    }
    const delayMs = pauseMs(failures, download.random());
    download.emit({ type: 'retrying', what: `download ${layer.digest}`, reason: ending, delayMs });
    await download.clock.sleep(delayMs, signal);
  }
  const actual = `${digestAlgorithm(layer.digest)}:${hash.digest('hex')}`;
  return actual === layer.digest ? undefined : `its bytes have digest ${actual}`;
}

/**
 * Reads a body to its end or to the blob's: why it ended, in words, or `too-long`.
 * What was received before a failure is in the part, so that the next attempt starts after it.
 */
async function receive(
  body: Readable,
  state: { readonly download: BlobDownload; readonly part: PartFile; readonly hash: Hash },
): Promise<string> {
  const { part, hash } = state;
  const { layer, sink, emit, signal } = state.download;
  let isTooLong = false;
  try {
    await drain(body, writeBytes, async (chunks) => {
      const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      isTooLong = part.sizeBytes() + length > layer.sizeBytes;
      if (isTooLong) return false;
      const written = part.append(chunks);
      for (const chunk of chunks) hash.update(chunk);
      await written;
      for (const chunk of chunks) await sink?.write(chunk);
      emit({ type: 'blob-progress', digest: layer.digest, doneBytes: part.sizeBytes(), totalBytes: layer.sizeBytes });
      return true;
    });
  } catch (error) {
    signal.throwIfAborted();
    const failure = httpFailureOf(error);
    if (failure === undefined) throw error;
    return failure.message;
  }
  return isTooLong ? 'too-long' : 'the answer ended early';
}

function newHash(digest: Digest): Hash {
  return createHash(digestAlgorithm(digest));
}
