// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 exchanges, one request and one answer each, over pooled connections that are kept alive. Policy stays with
// the caller: nothing here follows a redirect, repeats a request or adds credentials. Failures below HTTP come out as
// an HttpFailure, whose kind says what a caller may decide on.
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent } from 'undici';

export type HttpMethod = 'GET' | 'POST';

export type HttpRequest = {
  readonly method: HttpMethod;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
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

/** As in the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Loopback addresses are always reached directly. */
export type ProxySettings = { readonly http?: string; readonly https?: string; readonly none?: string };

export type HttpClientOptions = {
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  /** From the request to the answer's headers. */
  readonly answerTimeoutMs: number;
  /** Between two pieces of a body; counted only while someone reads. */
  readonly stallTimeoutMs: number;
  readonly connectionsPerOrigin: number;
  readonly proxy?: ProxySettings;
  /** PEM; trusted beside the machine's and Node's own authorities. */
  readonly certificateAuthority?: string;
  /** Accepts any certificate: for a person who asked for it by name. */
  readonly skipsCertificateCheck?: boolean;
};

export type HttpFailureKind =
  /** No connection: no such name, no route, refused, timed out. */
  | 'unreachable'
  /** No such name: repeating is no use. */
  | 'unknown-host'
  | 'refused'
  /** The connection was there and broke or fell silent. */
  | 'interrupted'
  /** The peer answered the TLS greeting with something else. */
  | 'not-tls'
  | 'untrusted'
  /** What came back is not HTTP. */
  | 'protocol';

export class HttpFailure extends Error {
  readonly kind: HttpFailureKind;

  constructor(kind: HttpFailureKind, reason: string, options: { readonly cause?: unknown } = {}) {
    super(reason, options);
    this.name = 'HttpFailure';
    this.kind = kind;
  }
}

/** Whether a host, as URLs and registries write it (no port, brackets or not), is this machine itself. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (name === 'localhost' || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const direct = createDirectAgent(options);
  const proxied = createProxyAgent(options);
  return {
    request: async (request, signal) => {
      signal.throwIfAborted();
      const dispatcher = proxied === undefined || isLoopbackHost(request.url.hostname) ? direct : proxied;
      try {
        const { statusCode, headers, body } = await dispatcher.request({
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
    close: async () => {
      await Promise.all([direct.destroy(), proxied?.destroy()]);
    },
  };
}

/** The HttpFailure that an error of a request or of a body stands for; undefined when it is no matter of the network. */
export function httpFailureOf(error: unknown): HttpFailure | undefined {
  if (error instanceof HttpFailure) return error;
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const kind = error.name === 'HTTPParserError' ? 'protocol' : failureKind(code);
  return kind === undefined ? undefined : new HttpFailure(kind, failureReason(error, code), { cause: error });
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

function createDirectAgent(options: HttpClientOptions): Dispatcher {
  const common = { timeout: options.connectTimeoutMs, allowH2: false } as const;
  const connectPlain = buildConnector(common);
  let connectTls: buildConnector.connector | undefined;
  return new Agent({
    ...agentOptions(options),
    // Reading the machine's authorities takes a tenth of a second, which plain HTTP should not pay.
    connect: (target, callback) => {
      if (target.protocol !== 'https:') return connectPlain(target, callback);
      connectTls ??= buildConnector({ ...common, ...tlsOptions(options) });
      return connectTls(target, callback);
    },
  });
}

function createProxyAgent(options: HttpClientOptions): Dispatcher | undefined {
  const http = proxyUrl(options.proxy?.http);
  const https = proxyUrl(options.proxy?.https);
  if (http === '' && https === '') return undefined;
  const tls = tlsOptions(options);
  return new EnvHttpProxyAgent({
    ...agentOptions(options),
    httpProxy: http,
    httpsProxy: https,
    noProxy: options.proxy?.none ?? '',
    connect: { timeout: options.connectTimeoutMs, ...tls },
    requestTls: tls,
    proxyTls: tls,
  });
}

/** People write `proxy.example:3128` too, as curl and Go let them. An empty text keeps undici from its environment. */
function proxyUrl(text = ''): string {
  return text === '' || text.includes('://') ? text : `http://${text}`;
}

function agentOptions(options: HttpClientOptions): Agent.Options {
  return {
    connections: options.connectionsPerOrigin,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: 10_000,
    headersTimeout: options.answerTimeoutMs,
    bodyTimeout: options.stallTimeoutMs,
  };
}

function tlsOptions(options: HttpClientOptions): {
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
} {
  // Node trusts the authorities it was built with; a site's own are those of the machine.
  const authorities = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  if (options.certificateAuthority !== undefined) authorities.add(options.certificateAuthority);
  return {
    secureContext: createSecureContext({ ca: [...authorities] }),
    rejectUnauthorized: options.skipsCertificateCheck !== true,
  };
}

function headerValues(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

const unreachable: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_PRX_TLS',
  // A proxy's refusal to open a tunnel comes as an abortion (undici, lib/dispatcher/proxy-agent.js).
  'UND_ERR_ABORTED',
]);
const interrupted: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);
// OpenSSL's words for plain bytes where a TLS record should be: which one depends on the first bytes of the answer.
const notTls: ReadonlySet<string> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_UNKNOWN_PROTOCOL',
  'ERR_SSL_HTTP_REQUEST',
  'EPROTO',
]);
const untrusted =
  /^(?:CERT_|ERR_TLS_CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|ERR_SSL_.*CERTIFICATE)/;

function failureKind(code: string): HttpFailureKind | undefined {
  if (code === 'ENOTFOUND') return 'unknown-host';
  if (code === 'ECONNREFUSED') return 'refused';
  if (unreachable.has(code)) return 'unreachable';
  if (interrupted.has(code)) return 'interrupted';
  if (notTls.has(code)) return 'not-tls';
  if (untrusted.test(code)) return 'untrusted';
  if (code.startsWith('UND_ERR_') || code.startsWith('ERR_SSL_')) return 'protocol';
  return undefined;
}

function failureReason(error: Error, code: string): string {
  switch (code) {
    case 'ENOTFOUND':
      return 'there is no such host (ENOTFOUND)';
    case 'EAI_AGAIN':
      return 'the name service does not answer (EAI_AGAIN)';
    case 'ECONNREFUSED':
      return 'the connection was refused (ECONNREFUSED)';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'the connection was closed in the middle';
    case 'UND_ERR_BODY_TIMEOUT':
      return 'it fell silent in the middle of an answer';
    default:
      return code.startsWith('E') && !code.startsWith('ERR_') ? `${error.message} (${code})` : error.message;
  }
}
