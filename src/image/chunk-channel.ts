// SPDX-License-Identifier: Apache-2.0
// Chunks from one who writes to one who reads, with room for a few between them.

export type ChunkChannel = {
  /** Resolves when there is room for more, or nobody reads any longer. */
  readonly write: (chunk: Buffer) => Promise<void>;
  readonly end: () => void;
  /** The reader gets this error next. */
  readonly fail: (error: unknown) => void;
  /** What is written from now on goes nowhere. */
  readonly close: () => void;
  /** To be read once. */
  readonly chunks: AsyncIterable<Buffer>;
};

export function createChunkChannel(limitBytes: number): ChunkChannel {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let ending: { readonly error?: unknown } | undefined;
  let isClosed = false;
  let wakeReader: () => void = () => undefined;
  let wakeWriter: () => void = () => undefined;

  const close = (): void => {
    isClosed = true;
    waiting = [];
    wakeWriter();
  };
  const finish = (how: { readonly error?: unknown }): void => {
    ending ??= how;
    wakeReader();
  };

  async function* read(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        if (ending?.error !== undefined) throw ending.error;
        const chunk = waiting.shift();
        if (chunk !== undefined) {
          waitingBytes -= chunk.length;
          if (waitingBytes < limitBytes) wakeWriter();
          yield chunk;
        } else if (ending === undefined) {
          await new Promise<void>((resolve) => (wakeReader = resolve));
        } else {
          return;
        }
      }
    } finally {
      close();
    }
  }

  return {
    async write(chunk) {
      if (isClosed) return;
      waiting.push(chunk);
      waitingBytes += chunk.length;
      wakeReader();
      if (waitingBytes < limitBytes) return;
      await new Promise<void>((resolve) => {
        wakeWriter = resolve;
      });
    },
    end: () => finish({}),
    fail: (error) => finish({ error }),
    close,
    chunks: read(),
  };
}
