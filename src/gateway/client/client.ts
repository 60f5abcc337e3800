// SPDX-License-Identifier: Apache-2.0
// Asking image gateways: each request with a credential of its own, of several gateways the first that answers well.
import { describeError, SlipwayError } from '../../model/index.ts';
import { createHttpClient, type HttpClient } from '../../sys/http.ts';
import type { TlsMaterial } from '../../sys/tls-material.ts';

export type GatewayRequest = {
  readonly mode: string;
  readonly method: 'GET' | 'POST';
  /** After the system: a type and a tag. */
  readonly image?: { readonly type: string; readonly tag: string };
  readonly body?: string;
};

export type GatewayAnswer = {
  readonly status: number;
  readonly text: string;
  readonly gateway: string;
};

export type GatewayClientOptions = {
  /** Base URLs, in the order in which they are tried. */
  readonly gateways: readonly string[];
  readonly system: string;
  /** For one request as a whole; none where undefined. */
  readonly timeoutMs: number | undefined;
  /** Makes a credential for one request. */
  readonly credential: () => Promise<string>;
  readonly userAgent: string;
  readonly tlsFor?: (host: string) => TlsMaterial;
  /** Told about each answer that is no success, before the next gateway is asked. */
  readonly onFailure?: (failure: GatewayFailure) => void;
};

export type GatewayFailure =
  | { readonly kind: 'answer'; readonly answer: GatewayAnswer }
  | { readonly kind: 'unreachable'; readonly gateway: string; readonly error: unknown };

export type GatewayClient = {
  /**
   * The first answer with status 200; else the last that came.
   * @throws SlipwayError `gateway-unreachable` where none came; the signal's reason
   */
  readonly request: (request: GatewayRequest, signal: AbortSignal) => Promise<GatewayAnswer>;
  readonly close: () => Promise<void>;
};

const maxAnswerBytes = 256 * 1024 * 1024;
const connectTimeoutMs = 20_000;
const silenceMs = 120_000;

export function createGatewayClient(options: GatewayClientOptions): GatewayClient {
  const { timeoutMs } = options;
  const client = createHttpClient({
    userAgent: options.userAgent,
    connectTimeoutMs: Math.min(connectTimeoutMs, timeoutMs ?? connectTimeoutMs),
    answerTimeoutMs: timeoutMs ?? silenceMs,
    stallTimeoutMs: timeoutMs ?? silenceMs,
    connectionsPerOrigin: 2,
    ...(options.tlsFor === undefined ? {} : { tlsFor: options.tlsFor }),
  });
  return {
    request: async (request, signal) => {
      let last: GatewayAnswer | undefined;
      let reason = 'no gateway is configured';
      for (const gateway of options.gateways) {
        try {
          const answer = await ask(client, gateway, request, options, signal);
          if (answer.status === 200) return answer;
          last = answer;
          options.onFailure?.({ kind: 'answer', answer });
        } catch (error) {
          signal.throwIfAborted();
          reason = describeError(error);
          options.onFailure?.({ kind: 'unreachable', gateway, error });
        }
      }
      if (last !== undefined) return last;
      throw new SlipwayError('gateway-unreachable', { reason, gateways: options.gateways.join(' ') });
    },
    close: client.close,
  };
}

async function ask(
  client: HttpClient,
  gateway: string,
  request: GatewayRequest,
  { system, credential, timeoutMs }: GatewayClientOptions,
  signal: AbortSignal,
): Promise<GatewayAnswer> {
  const limit = timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const { image } = request;
  const path = image === undefined ? '' : `${escapeAll(image.type)}/${escapeAll(image.tag)}/`;
  const url = new URL(`${gateway.replace(/\/+$/, '')}/api/${request.mode}/${escapeAll(system)}/${path}`);
  // A credential is good for one use: each gateway needs its own.
  const response = await client.request(
    {
      method: request.method,
      url,
      headers: {
        authentication: await credential(),
        ...(request.method === 'POST' ? { 'content-type': 'application/json' } : {}),
      },
      ...(request.method === 'POST' ? { body: request.body ?? '' } : {}),
    },
    limit,
  );
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new Error(`the answer has more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return { status: response.status, text: Buffer.concat(chunks).toString('utf8'), gateway };
}

/** As curl_easy_escape(3): everything but letters, digits and `-._~`. */
function escapeAll(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
}
