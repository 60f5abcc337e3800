// SPDX-License-Identifier: Apache-2.0
// HTTP over a Unix socket: how daemons on this machine are spoken to.
import type { Readable } from 'node:stream';
import { Client } from 'undici';

export type SocketAnswer = { readonly status: number; readonly body: Readable };

/**
 * GETs `path` from the server behind a socket, and has `use` read the answer; the connection goes afterwards.
 * @throws node's errors of the connection (ENOENT, EACCES, ECONNREFUSED), the signal's reason; what `use` throws
 */
export async function getOverSocket<T>(
  socketPath: string,
  path: string,
  signal: AbortSignal,
  use: (answer: SocketAnswer) => Promise<T>,
): Promise<T> {
  // An image of many gigabytes is gathered by the daemon before its first byte comes.
  const client = new Client('http://localhost', { socketPath, headersTimeout: 0, bodyTimeout: 0 });
  try {
    const { statusCode, body } = await client.request({ method: 'GET', path, signal });
    body.on('error', () => undefined);
    return await use({ status: statusCode, body });
  } finally {
    await client.destroy();
  }
}
