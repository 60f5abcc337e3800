// SPDX-License-Identifier: Apache-2.0
// A layer's way into its pack while it is downloaded. Bytes are read here before they are verified: what they lead to is
// thrown away, pack and complaint, when the blob turns out to be another.
import { hasCode } from '../../model/index.ts';
import { removeIfPresent } from '../../sys/files.ts';
import type { BlobSink } from '../download/index.ts';
import { createChunkChannel, type ChunkChannel } from '../chunk-channel.ts';

export type PackSink = BlobSink &
  AsyncDisposable & {
    /** The finished pack, after `finish`. */
    readonly path: () => string;
  };

type Attempt = {
  readonly path: string;
  readonly channel: ChunkChannel;
  readonly work: Promise<void>;
  failure: { readonly error: unknown } | undefined;
};

/** Compressed bytes that wait to be unpacked. */
const waitingBytes = 2 * 1024 * 1024;

/**
 * @param temporaryPath gives a new path at each call
 * @param pack reads the blob and writes a pack at the path; what it leaves when it fails is removed here
 */
export function createPackSink(
  temporaryPath: () => string,
  pack: (blob: AsyncIterable<Buffer>, path: string) => Promise<void>,
): PackSink {
  let current: Attempt | undefined;

  function begin(): Attempt {
    const path = temporaryPath();
    const channel = createChunkChannel(waitingBytes);
    const attempt: Attempt = { path, channel, work: pack(channel.chunks, path), failure: undefined };
    attempt.work.catch((error: unknown) => {
      attempt.failure = { error };
      channel.close();
    });
    return attempt;
  }

  async function discard(): Promise<void> {
    if (current === undefined) return;
    const { channel, work, path } = current;
    current = undefined;
    channel.fail(discarded);
    await Promise.allSettled([work]);
    await removeIfPresent(path);
  }

  return {
    async write(chunk) {
      current ??= begin();
      await current.channel.write(chunk);
      // A full disk is one now; a malformed layer may be one that was damaged on its way, which its digest will tell.
      const { failure } = current;
      if (failure !== undefined && !isOfContent(failure.error)) throw failure.error;
    },
    restart: discard,
    async finish() {
      current ??= begin();
      current.channel.end();
      await current.work;
    },
    path: () => current?.path ?? '',
    [Symbol.asyncDispose]: discard,
  };
}

const discarded = new Error('the layer is read anew');

function isOfContent(error: unknown): boolean {
  return hasCode(error, 'layer-unreadable', 'layer-entry-refused', 'layer-content-mismatch', 'squashfs-not-encodable');
}
