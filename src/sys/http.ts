// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 exchanges, one request and one answer each, over pooled connections that are kept alive. Policy stays with
// the caller: nothing here follows a redirect, repeats a request or adds credentials. Failures below HTTP come out as
// an HttpFailure, whose kind says what a caller may decide on.
import type { Readable } from 'node:stream';
import { createDispatchers } from './http-dispatchers.ts';
import { HttpFailure, httpFailureOf } from './http-failure.ts';
import type { ProxySettings } from './proxies.ts';
import type { TlsMaterial } from './tls-material.ts';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';

export type HttpRequest = {
  readonly method: HttpMethod;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is streamed is sent once; its length stands in the headers. */
  readonly body?: string | Buffer | Readable;
};

export type HttpResponse = {
  readonly status: number;
  /** A header's values, each line apart, in order. */
  readonly header: (name: string) => readonly string[];
  /** Its failures are HttpFailures too. Has to be read or destroyed. */
  readonly body: Readable;
};

export type HttpClient = {
  /** @throws HttpFailure, or the signal's reason. The signal also ends the answer's body. */
  readonly request: (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;
  /** Ends all connections, also those in use. */
  readonly close: () => Promise<void>;
};

export type HttpClientOptions = {
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  /** From the request to the answer's headers. */
  readonly answerTimeoutMs: number;
  /** Between two pieces of a body; counted only while someone reads. */
  readonly stallTimeoutMs: number;
  readonly connectionsPerOrigin: number;
  readonly proxy?: ProxySettings;
  /** What TLS with a host (`name[:port]`, as in URLs) needs beyond the machine's authorities. */
  readonly tlsFor?: (host: string) => TlsMaterial;
};

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const dispatchers = createDispatchers(options);
  return {
    request: async (request, signal) => {
      signal.throwIfAborted();
      try {
        const { statusCode, headers, body } = await dispatchers.forUrl(request.url).request({
          origin: request.url.origin,
          path: `${request.url.pathname}${request.url.search}`,
          method: request.method,
          headers: { 'user-agent': options.userAgent, ...request.headers },
          body: request.body ?? null,
          signal,
          headersTimeout: options.answerTimeoutMs,
          bodyTimeout: options.stallTimeoutMs,
        });
        // A body that is destroyed early ends with an error, which would end the process where nobody reads any more.
        // Who reads gets it from the stream itself.
        body.on('error', () => undefined);
        return { status: statusCode, header: (name) => headerValues(headers[name]), body };
      } catch (error) {
        signal.throwIfAborted();
        throw toHttpFailure(error, options);
      }
    },
    close: dispatchers.close,
  };
}

function toHttpFailure(error: unknown, options: HttpClientOptions): unknown {
  const failure = httpFailureOf(error);
  if (failure === undefined) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return again(failure, `no answer for ${options.answerTimeoutMs / 1000} s`);
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return again(failure, `no connection within ${options.connectTimeoutMs / 1000} s`);
  return failure;
}

function again(failure: HttpFailure, reason: string): HttpFailure {
  return new HttpFailure(failure.kind, reason, { cause: failure.cause });
}

function headerValues(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
