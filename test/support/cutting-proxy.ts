// SPDX-License-Identifier: Apache-2.0
// A way to a server on this machine that breaks: connections are cut after so many bytes from the client, as often as was
// asked, and then no more.
import { connect, createServer, type Socket } from 'node:net';
import { onEnd } from './on-end.ts';

export type CuttingProxy = {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** How many connections were cut. */
  readonly cuts: () => number;
};

/** @param plan after how many bytes to cut, once for each; a connection that sends less is not counted */
export async function startCuttingProxy(port: number, plan: readonly number[]): Promise<CuttingProxy> {
  const left = [...plan];
  let cuts = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let sentBytes = 0;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
    }
    client.on('data', (chunk: Buffer) => {
      sentBytes += chunk.length;
      const [limit] = left;
      if (limit !== undefined && sentBytes > limit) {
        left.shift();
        cuts += 1;
        upstream.end(chunk.subarray(0, chunk.length / 2));
        client.destroy();
        return;
      }
      if (!upstream.write(chunk)) {
        client.pause();
        upstream.once('drain', () => client.resume());
      }
    });
    upstream.pipe(client);
    client.on('end', () => upstream.end());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return { address: `127.0.0.1:${address.port}`, cuts: () => cuts };
}
