// SPDX-License-Identifier: Apache-2.0
// Talking to munged, the daemon that says who made a credential (munged(8)). One connection for each request, as its
// protocol wants it; no process is started.
import { connect } from 'node:net';
import {
  decodeCredentialAnswer,
  decodeEncodeAnswer,
  encodeDecodeRequest,
  encodeEncodeRequest,
  type MungeAnswer,
  mungeHeaderBytes,
  readMungeHeader,
} from '../formats/munge/index.ts';
import { systemClock } from './clock.ts';
import { isErrno } from './file-errors.ts';

/** Where Debian's and Red Hat's munged listen. */
export const defaultMungeSocket: string = '/run/munge/munge.socket.2';

/** munged can't be asked: no socket, no permission, no answer in time, another protocol. */
export class MungeFailure extends Error {
  constructor(socketPath: string, reason: string, options: { readonly cause?: unknown } = {}) {
    super(`ask munged at ${socketPath}: ${reason}`, options);
    this.name = 'MungeFailure';
  }
}

export type MungeOptions = {
  readonly socketPath: string;
  readonly signal: AbortSignal;
  /** For the whole exchange; 10,000 unless given. */
  readonly timeoutMs?: number;
};

/**
 * A credential that says who this process runs as, and carries `payload`, legible to everyone or to `onlyUid`.
 * @throws MungeFailure
 */
export async function mungeEncode(
  payload: string,
  options: MungeOptions & { readonly onlyUid?: number },
): Promise<string> {
  const { type, body } = await exchange(encodeEncodeRequest(Buffer.from(payload), options.onlyUid), options);
  return parsing(options, () => decodeEncodeAnswer(type, body));
}

/**
 * What a credential says. Decoding uses it up: a second time it is `replayed`. A credential that is refused comes back
 * with the reason as its status.
 * @throws MungeFailure
 */
export async function mungeDecode(credential: string, options: MungeOptions): Promise<MungeAnswer> {
  const { type, body } = await exchange(encodeDecodeRequest(credential), options);
  return parsing(options, () => decodeCredentialAnswer(type, body));
}

function parsing<Value>({ socketPath }: MungeOptions, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw new MungeFailure(socketPath, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

type Message = { readonly type: number; readonly body: Buffer };

/** munged works on few requests at a time, and the kernel lets only so many wait in its socket (listen(2)). */
const mostAtOnce = 64;
let atOnce = 0;
const waiting: (() => void)[] = [];

async function exchange(request: Buffer, options: MungeOptions): Promise<Message> {
  if (atOnce >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  atOnce += 1;
  try {
    for (let pauseMs = 2; ; pauseMs *= 2) {
      try {
        return await exchangeOnce(request, options);
      } catch (error) {
        // EAGAIN (connect(2)): its queue is full, with requests of other programs then. Nothing was sent yet.
        const isBusy = error instanceof MungeFailure && isErrno(error.cause, 'EAGAIN');
        if (!isBusy || pauseMs > 1000) throw error;
        await systemClock.sleep(pauseMs, options.signal);
      }
    }
  } finally {
    atOnce -= 1;
    waiting.shift()?.();
  }
}

async function exchangeOnce(request: Buffer, options: MungeOptions): Promise<Message> {
  const { socketPath, signal } = options;
  signal.throwIfAborted();
  return await new Promise<Message>((resolve, reject) => {
    const socket = connect(socketPath);
    const chunks: Buffer[] = [];
    let length = 0;
    let wanted: { readonly type: number; readonly bodyBytes: number } | undefined;
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      settle();
    };
    const fail = (reason: string, cause?: unknown): void =>
      end(() => reject(new MungeFailure(socketPath, reason, { cause })));
    const onAbort = (): void => end(() => reject(signal.reason as Error));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.setTimeout(options.timeoutMs ?? 10_000, () => fail('it does not answer'));
    socket.on('error', (error) => fail('code' in error ? String(error.code) : error.message, error));
    socket.on('end', () => fail('it closed the connection'));
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      try {
        if (wanted === undefined && length >= mungeHeaderBytes) wanted = readMungeHeader(Buffer.concat(chunks));
      } catch (error) {
        fail(error instanceof Error ? error.message : String(error), error);
        return;
      }
      if (wanted === undefined || length < mungeHeaderBytes + wanted.bodyBytes) return;
      const { type, bodyBytes } = wanted;
      const body = Buffer.concat(chunks).subarray(mungeHeaderBytes, mungeHeaderBytes + bodyBytes);
      end(() => resolve({ type, body }));
    });
  });
}
