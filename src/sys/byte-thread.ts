// SPDX-License-Identifier: Apache-2.0
// A thread that turns bytes into others, one piece after the other: for work in JavaScript that would hold up all the rest.
import { extname } from 'node:path';
import { parentPort, Worker } from 'node:worker_threads';

export type ByteThread = {
  /** What the thread makes of `bytes`, which are copied. One call at a time. */
  readonly turn: (bytes: Uint8Array) => Promise<Buffer>;
  /** Ends the thread; what is under way fails. */
  readonly close: () => void;
};

/**
 * Starts a thread.
 * @param name of a module beside the caller's that calls `serveBytes`: `NAME.ts` in a checkout, `NAME.mjs` in a bundle,
 *   where it is an entry of its own
 * @param caller the caller's `import.meta.url`
 */
export function createByteThread(name: string, caller: string): ByteThread {
  const worker = new Worker(new URL(`./${name}${extname(caller)}`, caller));
  // A thread that waits for work keeps no process from ending.
  worker.unref();
  let waiting: { readonly resolve: (bytes: Buffer) => void; readonly reject: (error: Error) => void } | undefined;
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    waiting?.reject(failure);
  };
  worker.on('message', ({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>) =>
    waiting?.resolve(Buffer.from(buffer, byteOffset, length)),
  );
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error(`the thread ${name} has ended`)));
  return {
    async turn(bytes) {
      if (failure !== undefined) throw failure;
      // While a piece is under way the process must wait for it.
      worker.ref();
      try {
        return await new Promise<Buffer>((resolve, reject) => {
          waiting = { resolve, reject };
          const copy = new Uint8Array(bytes);
          worker.postMessage(copy, [copy.buffer]);
        });
      } finally {
        waiting = undefined;
        worker.unref();
      }
    },
    close: () => void worker.terminate(),
  };
}

/** The thread's side: answers each piece with what `turn` makes of it. */
export function serveBytes(turn: (bytes: Buffer) => Uint8Array): void {
  parentPort?.on('message', ({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>) => {
    const turned = new Uint8Array(turn(Buffer.from(buffer, byteOffset, length)));
    parentPort?.postMessage(turned, [turned.buffer]);
  });
}
